/** Clients that others wrote, with their defaults: each connects and passes a round of every command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installedRuntime } from '../../scripts/other-runtime.ts';
import { goPeer } from '../support/built-peers.ts';
import { runClient } from '../support/outside-client.ts';
import type { TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type RunningExample, spawnExample } from './spawn-example.ts';

/** The module, or null: then the test is skipped by name. */
async function optional<T>(load: () => Promise<T>): Promise<T | null> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}

const nodeRedis = await optional(() => import('@redis/client'));
const ioredis = await optional(() => import('ioredis'));

function absent(module: unknown, name: string): { readonly skip: string | false } {
  return { skip: module === null && `${name} is not installed` };
}

/** One command and what any client makes of its answer. */
type Step = readonly [command: readonly string[], expected: unknown];

/** Without commands whose answers clients shape as they like: maps and doubles. */
const round: readonly Step[] = [
  [['FLUSHALL'], 'OK'],
  [['PING'], 'PONG'],
  [['ECHO', 'text'], 'text'],
  [['SET', 's', '1'], 'OK'],
  [['SET', 's', '2', 'NX'], null],
  [['SET', 's', '2', 'XX', 'EX', '1000'], 'OK'],
  [['GET', 's'], '2'],
  [['GET', 'none'], null],
  [['GETSET', 's', '3'], '2'],
  [['GETDEL', 's'], '3'],
  [['SETNX', 's', 'a'], 1],
  [['SETEX', 's', '1000', 'a'], 'OK'],
  [['PSETEX', 's', '1000000', 'a'], 'OK'],
  [['APPEND', 's', 'bc'], 3],
  [['STRLEN', 's'], 3],
  [['MSET', 'a', '1', 'b', '2'], 'OK'],
  [
    ['MGET', 'a', 'none', 'b'],
    ['1', null, '2'],
  ],
  [['INCR', 'a'], 2],
  [['DECR', 'a'], 1],
  [['INCRBY', 'a', '10'], 11],
  [['DECRBY', 'a', '12'], -1],
  [['EXISTS', 'a', 'b', 'none'], 2],
  [['TYPE', 'a'], 'string'],
  [['EXPIRE', 'a', '1000', 'NX'], 1],
  [['PEXPIRE', 'a', '1000000'], 1],
  [['EXPIREAT', 'a', '4000000000'], 1],
  [['PEXPIREAT', 'a', '4000000000000'], 1],
  [['PERSIST', 'a'], 1],
  [['TTL', 'a'], -1],
  [['PTTL', 'none'], -2],
  [['UNLINK', 'a'], 1],
  [['DEL', 'b', 's'], 2],
  [['DBSIZE'], 0],
  [['RPUSH', 'l', 'b', 'c'], 2],
  [['LPUSH', 'l', 'a'], 3],
  [['LLEN', 'l'], 3],
  [['LINDEX', 'l', '-1'], 'c'],
  [
    ['LRANGE', 'l', '0', '-1'],
    ['a', 'b', 'c'],
  ],
  [['LPOP', 'l'], 'a'],
  [
    ['RPOP', 'l', '5'],
    ['c', 'b'],
  ],
  [['HSET', 'h', 'f', '1', 'g', '2'], 2],
  [['HMSET', 'h', 'f', '3'], 'OK'],
  [['HGET', 'h', 'f'], '3'],
  [
    ['HMGET', 'h', 'g', 'none'],
    ['2', null],
  ],
  [['HEXISTS', 'h', 'g'], 1],
  [['HLEN', 'h'], 2],
  [
    ['HKEYS', 'h'],
    ['f', 'g'],
  ],
  [
    ['HVALS', 'h'],
    ['3', '2'],
  ],
  [['HDEL', 'h', 'g'], 1],
  [['SADD', 'm', 'x'], 1],
  [['SISMEMBER', 'm', 'x'], 1],
  [['SCARD', 'm'], 1],
  [['SREM', 'm', 'y'], 0],
  [['SPOP', 'm'], 'x'],
  [['ZADD', 'z', '2', 'b', '1', 'a'], 2],
  [['ZCARD', 'z'], 2],
  [
    ['ZRANGE', 'z', '0', '-1'],
    ['a', 'b'],
  ],
  [['ZREM', 'z', 'b'], 1],
  [['KEYS', 'h*'], ['h']],
  [
    ['SCAN', '0', 'MATCH', 'h*', 'COUNT', '100'],
    ['0', ['h']],
  ],
  [['PUBLISH', 'nobody', 'x'], 0],
  [['CLIENT', 'SETNAME', 'me'], 'OK'],
  [['CLIENT', 'GETNAME'], 'me'],
  [['CLIENT', 'SETINFO', 'LIB-NAME', 'test'], 'OK'],
  [['SELECT', '0'], 'OK'],
  [['FLUSHDB'], 'OK'],
  [['FLUSHALL'], 'OK'],
];

async function runRound(send: (command: readonly string[]) => Promise<unknown>): Promise<void> {
  for (const [command, expected] of round) {
    assert.deepEqual(await send(command), expected, command.join(' '));
  }
}

let example: RunningExample;
before(async () => {
  example = await spawnExample('examples/redis.ts');
});
after(async () => {
  assert.equal(await example.stop(), 0);
});

describe('node-redis', absent(nodeRedis, '@redis/client'), () => {
  function create(t: TestScope, protocol?: 2 | 3) {
    const { createClient } = nodeRedis as NonNullable<typeof nodeRedis>;
    const url = `redis://127.0.0.1:${example.port}`;
    const client = createClient(protocol === undefined ? { url } : { url, RESP: protocol });
    t.after(() => client.destroy());
    return client;
  }

  for (const protocol of [undefined, 2, 3] as const) {
    test(`a round of every command, RESP ${protocol ?? 'as it likes'}`, async (t) => {
      const client = create(t, protocol);
      const errors: unknown[] = [];
      client.on('error', (error) => errors.push(error));
      await client.connect();
      await runRound((command) => client.sendCommand([...command]));
      await client.hSet('h', { f: '1', g: '2' });
      assert.deepEqual({ ...(await client.hGetAll('h')) }, { f: '1', g: '2' });
      await client.zAdd('z', { value: 'a', score: 1.5 });
      assert.equal(await client.zScore('z', 'a'), 1.5);
      assert.deepEqual({ ...(await client.zPopMin('z')) }, { value: 'a', score: 1.5 });
      assert.ok(Number(await client.clientId()) > 0);
      assert.match(String(await client.info()), /redis_version/);
      assert.deepEqual(errors, []);
    });
  }

  test('messages from another connection', async (t) => {
    const [listener, speaker] = [create(t), create(t)];
    await Promise.all([listener.connect(), speaker.connect()]);
    const heard: string[] = [];
    await listener.subscribe('news', (message) => heard.push(message));
    assert.equal(await speaker.publish('news', 'hello'), 1);
    await waitUntil(() => heard.length > 0, 'the message');
    assert.deepEqual(heard, ['hello']);
    await listener.unsubscribe('news');
    assert.equal(await speaker.publish('news', 'hello'), 0);
  });
});

describe('ioredis', absent(ioredis, 'ioredis'), () => {
  function create(t: TestScope) {
    const { Redis } = ioredis as NonNullable<typeof ioredis>;
    const client = new Redis(example.port, '127.0.0.1');
    t.after(() => client.disconnect());
    return client;
  }

  test('a round of every command', async (t) => {
    const client = create(t);
    await runRound((command) => client.call(command[0] as string, ...command.slice(1)));
    await client.hset('h', { f: '1', g: '2' });
    assert.deepEqual({ ...(await client.hgetall('h')) }, { f: '1', g: '2' });
    await client.zadd('z', 1.5, 'a');
    assert.equal(Number(await client.zscore('z', 'a')), 1.5);
    const all = await client.pipeline().set('p', '1').get('p').exec();
    assert.deepEqual(all, [
      [null, 'OK'],
      [null, '1'],
    ]);
  });

  test('messages from another connection', async (t) => {
    const [listener, speaker] = [create(t), create(t)];
    const heard: string[] = [];
    listener.on('message', (_channel: string, message: string) => heard.push(message));
    await listener.subscribe('news');
    assert.equal(await speaker.publish('news', 'hello'), 1);
    await waitUntil(() => heard.length > 0, 'the message');
    await listener.unsubscribe('news');
  });
});

/** GNET_PYTHON names one that has the packages. */
const python = process.env['GNET_PYTHON'] || 'python3';

/** Why the module of Python cannot be used, or false. */
function absentInPython(): string | false {
  const found = spawnSync(python, ['-c', 'import redis'], { stdio: 'ignore' });
  return found.status !== 0 && 'redis-py is not installed';
}

test('redis-py: a round, a scan, messages', { skip: absentInPython() }, async () => {
  const script = fileURLToPath(new URL('redis-py-client.py', import.meta.url));
  const result = await runClient(python, [script, String(example.port)]);
  assert.equal(result.stderr, '');
  assert.match(result.stdout.toString(), /^\d+ steps passed\n$/);
});

/** As Go prints it: lists in brackets, nothing as <nil>. */
function inGo(answer: unknown): string {
  if (answer === null) return '<nil>';
  return Array.isArray(answer) ? `[${answer.map(inGo).join(' ')}]` : String(answer);
}

const go = goPeer();

test('go-redis: a round, a pipeline, messages, in each protocol', {
  skip: go.missing,
}, async () => {
  const steps = round.map(([Command, expected]) => ({ Command, Expected: inGo(expected) }));
  const args = ['redis', `127.0.0.1:${example.port}`];
  const { code, stdout, stderr } = await runClient(go.path, args, JSON.stringify(steps));
  assert.equal(code, 0, stderr);
  assert.equal(String(stdout), `${round.length} steps passed\n`.repeat(3));
});

const bun = installedRuntime('bun');

test('Bun’s own client: a round, messages', {
  skip: bun === undefined && 'Bun is not installed',
}, async () => {
  const script = fileURLToPath(new URL('redis-bun-client.js', import.meta.url));
  const args = [script, String(example.port)];
  const { stdout, stderr } = await runClient(bun as string, args, JSON.stringify(round));
  assert.equal(stderr, '');
  assert.equal(String(stdout), `${round.length} steps passed\n`);
});
