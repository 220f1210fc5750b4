/** What one client of the Redis example can make it do, and hold, at most. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RawClient } from 'gnet/testing';
import { nodeMajor } from '../support/driver.ts';
import { type Program, runProgram } from '../support/program.ts';
import { type TestScope, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

interface Redis {
  readonly program: Program;
  readonly address: string;
}

async function start(t: TestScope, ...flags: string[]): Promise<Redis> {
  const program = runProgram(t, 'examples/redis.ts', ['--port', '0', ...flags]);
  const [address] = (await program.line(/^redis is listening on tcp:\/\/(\S+) /m)) as [string];
  return { program, address };
}

async function dial(t: TestScope, { address }: Redis): Promise<RawClient> {
  const client = await RawClient.connect(address);
  t.after(() => client.destroy());
  return client;
}

/** Fails at each place of a long row of the same letter, after comparing all of it. */
const HARD = `*${'a'.repeat(250)}b`;

function array(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

/** The answers to the commands, up to QUIT's. */
async function ask(t: TestScope, redis: Redis, ...commands: string[][]): Promise<string> {
  const client = await dial(t, redis);
  client.write([...commands, ['QUIT']].map((words) => array(...words)).join(''));
  return text(await client.readUntilEnd());
}

function residentMebibytes({ program }: Redis): number {
  const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}

test('it listens on this machine alone, unless told otherwise', async (t) => {
  assert.match((await start(t)).address, /^127\.0\.0\.1:/);
  assert.match((await start(t, '--host', '127.0.0.2')).address, /^127\.0\.0\.2:/);
});

test('long patterns are refused, and so is work that would hold up everybody', async (t) => {
  const redis = await start(t);
  const long = 'a'.repeat(32 * 1_024);
  const answers = await ask(
    t,
    redis,
    ['SET', long, '1'],
    ['KEYS', '*a'.repeat(16 * 1_024)],
    ['SCAN', '0', 'MATCH', long],
    ['KEYS', HARD],
    ['KEYS', '*'],
  );
  const [set, keys, scan, work, all] = answers.split('\r\n');
  assert.equal(set, '+OK');
  assert.equal(keys, '-ERR the pattern is longer than 256 bytes');
  assert.equal(scan, keys);
  // 250 x 32 Ki comparisons of one key are within the limit; of ten such keys they are not.
  assert.equal(work, '*0');
  assert.equal(all, '*1');
  const many = Array.from({ length: 10 }, (_, index) => ['SET', `${long}${index}`, '1']);
  const refused = await ask(t, redis, ...many, ['KEYS', HARD]);
  assert.match(refused, /-ERR this would hold up everybody/);
});

test('a client that does not read what it asked for is cut off', async (t) => {
  const redis = await start(t);
  const value = 'v'.repeat(1_048_576);
  await ask(t, redis, ['SET', 'big', value]);
  const before = residentMebibytes(redis);
  const client = await dial(t, redis);
  client.pauseReading();
  const asked = array('MGET', ...new Array<string>(50).fill('big'));
  client.write(asked.repeat(10));
  // The next answer comes after that work.
  assert.equal(await ask(t, redis, ['PING']), '+PONG\r\n+OK\r\n');
  const grown = residentMebibytes(redis) - before;
  assert.ok(grown < 150, `${grown} MiB more`);
  // Nobody else is touched.
  assert.equal(await ask(t, redis, ['STRLEN', 'big']), ':1048576\r\n+OK\r\n');
  client.resumeReading();
  await waitUntil(() => client.ended || client.closed, 'the cut');
  // Node 22 ends a socket that it shall reset while a write is pending; elsewhere it is a reset.
  if (nodeMajor >= 24) assert.notEqual(client.broken, undefined);
  assert.ok(client.receivedBytes < 50 * value.length, 'not even the first answer');
});

test('a silent client is closed after --idle, one that listens is not', async (t) => {
  const redis = await start(t, '--idle', '300ms');
  const listener = await dial(t, redis);
  listener.write(array('SUBSCRIBE', 'news'));
  const silent = await dial(t, redis);
  silent.write(array('PING'));
  await silent.untilClosed();
  assert.equal(await ask(t, redis, ['PUBLISH', 'news', 'hi']), ':1\r\n+OK\r\n');
  await waitUntil(() => text(listener.take()).includes('$2\r\nhi\r\n'), 'the message');
});

test('SCAN tells every key that stays, once without changes, whatever goes meanwhile', async (t) => {
  const redis = await start(t);
  const keys = Array.from({ length: 95 }, (_, index) => `k${index}`);
  await ask(t, redis, ...keys.map((key) => ['SET', key, '1']));
  const seen: string[] = [];
  let cursor = '0';
  do {
    const answer = await ask(t, redis, ['SCAN', cursor], ['DEL', `k${seen.length}`]);
    const words = answer.split('\r\n').filter((word) => !/^[$*:+]/.test(word));
    cursor = words[0] as string;
    seen.push(...words.filter((word) => word.startsWith('k')));
  } while (cursor !== '0');
  assert.equal(new Set(seen).size, seen.length);
  const gone = Array.from({ length: 10 }, (_, index) => `k${index * 10}`);
  for (const key of keys) assert.ok(seen.includes(key) || gone.includes(key), key);
  // A cursor that nobody knows begins anew.
  assert.match(
    await ask(t, redis, ['SCAN', '999', 'COUNT', '1000']),
    /^\*2\r\n\$1\r\n0\r\n\*8\d\r\n/,
  );
});
