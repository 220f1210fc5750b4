import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { missing } from './outside-client.ts';
import { spawnExample } from './spawn-example.ts';

const END = '$3\r\nend\r\n';

function encode(words: readonly string[]): string {
  const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join('')}`;
}

/** All answers to the commands, as bytes. */
async function ask(socket: Socket, commands: readonly string[][]): Promise<string> {
  socket.write([...commands, ['ECHO', 'end']].map(encode).join(''));
  let received = '';
  while (!received.endsWith(END)) {
    const [piece] = (await once(socket, 'data')) as [Buffer];
    received += piece.toString('latin1');
  }
  return received.slice(0, -END.length);
}

/** Errors are compared by their kind; what depends on the time, by whether there is a limit. */
function comparable(answers: string): string {
  return answers.replace(/^-(\S+).*\r$/gm, '-$1\r').replace(/^:\d{8,}\r$/gm, ':soon\r');
}

const key = fc.constantFrom('a', 'b', 'c', '', 'long key with blanks');
const value = fc.constantFrom('', '1', '41', '-7', '007', '9223372036854775806', 'text', 'ä\r\n');
const far = fc.constantFrom('1000000000', '0', '-5', 'x', '3000000000');
const flag = fc.constantFrom('NX', 'xx', 'nonsense');
const limit = fc.tuple(fc.constantFrom('EX', 'ex'), far);
const command: fc.Arbitrary<string[]> = fc.oneof(
  fc.tuple(fc.constant('SET'), key, value),
  fc.tuple(fc.constant('SET'), key, value, flag),
  fc.tuple(fc.constant('SET'), key, value, limit, flag).map((words) => words.flat()),
  fc.tuple(fc.constantFrom('GET', 'get', 'INCR', 'TTL', 'TYPE', 'EXISTS', 'DEL'), key),
  fc.tuple(fc.constantFrom('MGET', 'EXISTS', 'DEL', 'MSET'), key, key, key),
  fc.tuple(fc.constant('MSET'), key, value, key, value),
  fc.tuple(fc.constant('EXPIRE'), key, far),
  fc.tuple(fc.constantFrom('PING', 'ECHO', 'SELECT', 'NONSENSE'), value),
  fc.tuple(fc.constant('SELECT'), fc.constantFrom('0', '1', '15', '16', '-1')),
  fc.tuple(fc.constantFrom('PING', 'GET', 'SET', 'FLUSHALL', 'DBSIZE', 'TTL', 'INCR', 'EXPIRE')),
  fc.tuple(fc.constant('KEYS'), fc.constantFrom('zzz*', '[a', '\\')),
);

async function startRedis(folder: string): Promise<{ child: ChildProcess; path: string }> {
  const path = join(folder, 'redis.sock');
  const settings = ['--port', '0', '--unixsocket', path, '--save', '', '--dir', folder];
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'ignore'] });
  let log = '';
  child.stdout?.on('data', (piece: Buffer) => {
    log += piece.toString();
  });
  while (!log.includes('eady to accept connections')) {
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`it ended: ${log}`)));
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), ended]);
  }
  return { child, path };
}

describe('examples/redis.ts beside redis-server', { skip: missing('redis-server') }, () => {
  test('gives the same answers to random commands', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gnet-redis-'));
    const { child, path } = await startRedis(folder);
    const example = await spawnExample('examples/redis.ts');
    const theirs = connect(path);
    const ours = connect(example.port, '127.0.0.1');
    try {
      const commands = fc.array(command, { minLength: 1, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(commands, async (list) => {
          const all = [['SELECT', '0'], ['FLUSHALL'], ...list];
          const [expected, actual] = await Promise.all([ask(theirs, all), ask(ours, all)]);
          assert.equal(comparable(actual), comparable(expected));
        }),
        { numRuns: 400 },
      );
    } finally {
      theirs.destroy();
      ours.destroy();
      child.kill('SIGTERM');
      await Promise.all([once(child, 'exit'), example.stop()]);
      rmSync(folder, { recursive: true });
    }
  });
});
