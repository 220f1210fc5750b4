import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { missing } from '../support/outside-client.ts';
import { startRedisServer } from './redis-server.ts';
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
const place = fc.constantFrom('0', '1', '-1', '-2', '5', '-9', 'x');
const field = fc.constantFrom('f', 'g', '');
const score = fc.constantFrom('1', '2.5', '-3', 'inf', 'x', '1e3');
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
  fc.tuple(fc.constantFrom('INCRBY', 'DECRBY', 'APPEND', 'GETSET', 'SETNX'), key, value),
  fc.tuple(fc.constantFrom('DECR', 'STRLEN', 'PERSIST', 'GETDEL', 'UNLINK', 'PTTL'), key),
  fc.tuple(fc.constantFrom('SETEX', 'PSETEX'), key, far, value),
  fc.tuple(fc.constant('EXPIRE'), key, far, fc.constantFrom('NX', 'XX', 'GT', 'LT', 'foo')),
  fc.tuple(fc.constantFrom('EXPIREAT', 'PEXPIREAT', 'PEXPIRE'), key, far),
  fc.tuple(fc.constant('SET'), key, value, fc.constantFrom('GET', 'KEEPTTL', 'NX'), flag),
  fc.tuple(fc.constantFrom('LPUSH', 'RPUSH'), key, value, value),
  fc.tuple(fc.constantFrom('LPOP', 'RPOP', 'LLEN', 'LPUSH', 'HLEN', 'SCARD', 'ZCARD'), key),
  fc.tuple(fc.constantFrom('LPOP', 'RPOP'), key, place),
  fc.tuple(fc.constant('LINDEX'), key, place),
  fc.tuple(fc.constantFrom('LRANGE', 'ZRANGE'), key, place, place),
  fc.tuple(fc.constantFrom('HSET', 'HMSET'), key, field, value),
  fc.tuple(
    fc.constantFrom('HGET', 'HDEL', 'HEXISTS', 'SISMEMBER', 'ZSCORE', 'ZREM', 'SREM'),
    key,
    field,
  ),
  fc.tuple(fc.constant('HMGET'), key, field, field),
  fc.tuple(fc.constantFrom('HGETALL', 'HKEYS', 'HVALS'), key),
  fc.tuple(fc.constantFrom('SADD', 'SREM'), key, field, field),
  fc.tuple(fc.constant('ZADD'), key, score, field),
  fc.tuple(fc.constant('ZADD'), key, score, field, score, field),
  fc.tuple(fc.constant('ZRANGE'), key, place, place, fc.constant('WITHSCORES')),
  fc.tuple(fc.constant('ZPOPMIN'), key),
  fc.tuple(fc.constant('ZPOPMIN'), key, place),
  fc.tuple(fc.constantFrom('PUBLISH', 'HELLO', 'RESET', 'AUTH', 'CLIENT'), value),
  fc.tuple(fc.constant('PUBLISH'), key, value),
  fc.tuple(fc.constant('KEYS'), fc.constantFrom('zzz*', '[a', '\\')),
);

describe('examples/redis.ts beside redis-server', { skip: missing('redis-server') }, () => {
  test('gives the same answers to random commands', async () => {
    const real = await startRedisServer();
    const example = await spawnExample('examples/redis.ts');
    const theirs = connect(real.path);
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
      await Promise.all([real.stop(), example.stop()]);
    }
  });
});
