import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing, runClient } from '../support/outside-client.ts';
import { rawClient } from './raw-client.ts';
import { type RunningExample, spawnExample } from './spawn-example.ts';

let example: RunningExample;

async function cli(...args: string[]): Promise<string> {
  const result = await runClient('redis-cli', ['-p', String(example.port), ...args]);
  assert.equal(result.stderr, '');
  return result.stdout.toString().replace(/\n$/, '');
}

async function raw(request: string): Promise<string> {
  const client = await rawClient(example.port);
  await client.send([Buffer.from(request, 'latin1')]);
  const answer = await client.receiveAll();
  client.close();
  return answer.toString('latin1');
}

describe('examples/redis.ts', () => {
  before(async () => {
    example = await spawnExample('examples/redis.ts', ['--multicore', 'true']);
  });
  after(async () => {
    assert.equal(await example.stop(), 0);
    assert.equal(example.output(), `${example.line}\n`);
  });

  test('has one loop whatever the flags say', () => {
    assert.match(example.line, /\(multi-cores: false, loops: 1\)$/);
  });

  test('answers inline commands and ends at QUIT, without what comes after it', async () => {
    const request = 'FLUSHALL\r\nPING\r\nset "a b" \'c d\'\r\nGET "a b"\nquit\r\nPING\r\n';
    assert.equal(await raw(request), '+OK\r\n+PONG\r\n+OK\r\n$3\r\nc d\r\n+OK\r\n');
  });

  test('answers a protocol error after what came before it, and closes', async () => {
    const request = 'PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n:4\r\nPING\r\nPING\r\n';
    assert.equal(
      await raw(request),
      "+PONG\r\n+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n",
    );
    assert.match(await raw('*1\r\n$8388609\r\n'), /^-ERR Protocol error: invalid bulk length\r\n$/);
  });

  test('keeps and returns large values', async () => {
    const value = 'v'.repeat(3_000_000);
    const request = `*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${value.length}\r\n${value}\r\n`;
    const answer = await raw(`${request}GET big\r\nMGET big big\r\nQUIT\r\n`);
    const bulk = `$${value.length}\r\n${value}\r\n`;
    assert.ok(answer === `+OK\r\n${bulk}*2\r\n${bulk}${bulk}+OK\r\n`);
  });

  describe('redis-cli', { skip: missing('redis-cli') }, () => {
    before(async () => {
      assert.equal(await cli('flushall'), 'OK');
    });

    test('PING, ECHO, COMMAND, CONFIG GET, INFO', async () => {
      assert.equal(await cli('ping'), 'PONG');
      assert.equal(await cli('ping', 'a b'), 'a b');
      assert.equal(await cli('echo', 'text'), 'text');
      assert.ok(Number(await cli('command', 'count')) >= 20);
      assert.match(await cli('command'), /^get\n2\nreadonly\nfast\n1\n1\n1$/m);
      assert.equal(await cli('command', 'info', 'get', 'no'), 'get\n2\nreadonly\nfast\n1\n1\n1\n');
      assert.equal(await cli('config', 'get', 's*', 'appendonly'), 'save\n\nappendonly\nno');
      const info = await cli('info');
      assert.match(info, /^# Server\r$/m);
      assert.match(info, /^# Keyspace\r$/m);
      assert.match(await cli('info', 'memory'), /^# Memory\r\nused_memory:\d+\r$/);
    });

    test('GET, SET and its options', async () => {
      assert.equal(await cli('set', 's', 'value'), 'OK');
      assert.equal(await cli('get', 's'), 'value');
      assert.equal(await cli('get', 'none'), '');
      assert.equal(await cli('set', 's', 'x', 'NX'), '');
      assert.equal(await cli('set', 'none', 'x', 'xx'), '');
      assert.equal(await cli('set', 's', 'y', 'XX', 'EX', '100000'), 'OK');
      assert.match(await cli('ttl', 's'), /^\d{5,6}$/);
      assert.equal(await cli('set', 's', 'z'), 'OK');
      assert.equal(await cli('ttl', 's'), '-1');
      assert.equal(await cli('set', 's', 'z', 'px', '100000000'), 'OK');
      assert.match(await cli('pttl', 's'), /^\d{8,9}$/);
      assert.equal(await cli('set', 's', 'z', 'nx', 'xx'), 'ERR syntax error\n');
      assert.match(await cli('set', 's', 'z', 'ex', '0'), /^ERR invalid expire time/);
      assert.match(await cli('set', 's', 'z', 'ex', 'a'), /^ERR value is not an integer/);
    });

    test('MSET, MGET, DEL, EXISTS, KEYS, DBSIZE, TYPE', async () => {
      await cli('flushall');
      assert.equal(await cli('mset', 'k1', 'a', 'k2', 'b', 'other', 'c'), 'OK');
      assert.equal(await cli('mget', 'k1', 'none', 'other'), 'a\n\nc');
      assert.equal(await cli('exists', 'k1', 'k1', 'none'), '2');
      assert.deepEqual((await cli('keys', 'k*')).split('\n').sort(), ['k1', 'k2']);
      assert.equal(await cli('dbsize'), '3');
      assert.equal(await cli('type', 'k1'), 'string');
      assert.equal(await cli('del', 'k1', 'none', 'k2'), '2');
      assert.equal(await cli('keys', '*'), 'other');
      assert.match(await cli('mset', 'a', '1', 'b'), /^ERR wrong number of arguments/);
    });

    test('INCR, with its limits', async () => {
      await cli('flushall');
      assert.equal(await cli('incr', 'n'), '1');
      await cli('set', 'n', '9007199254740990');
      assert.equal(await cli('incr', 'n'), '9007199254740991');
      assert.equal(await cli('incr', 'n'), '9007199254740992');
      assert.equal(await cli('incr', 'n'), '9007199254740993');
      assert.equal(await cli('get', 'n'), '9007199254740993');
      await cli('set', 'n', '9223372036854775807');
      assert.match(await cli('incr', 'n'), /^ERR increment or decrement would overflow/);
      await cli('set', 'n', 'text');
      assert.match(await cli('incr', 'n'), /^ERR value is not an integer or out of range/);
    });

    test('EXPIRE, TTL, SELECT, FLUSHALL', async () => {
      await cli('set', 'e', '1');
      assert.equal(await cli('expire', 'e', '100000'), '1');
      assert.match(await cli('ttl', 'e'), /^\d{5,6}$/);
      assert.equal(await cli('expire', 'none', '1'), '0');
      assert.equal(await cli('ttl', 'none'), '-2');
      assert.equal(await cli('expire', 'e', '-1'), '1');
      assert.equal(await cli('exists', 'e'), '0');
      assert.equal(await cli('-n', '3', 'set', 'in-three', '1'), 'OK');
      assert.equal(await cli('exists', 'in-three'), '0');
      assert.equal(await cli('-n', '3', 'exists', 'in-three'), '1');
      assert.equal(await cli('select', '16'), 'ERR DB index is out of range\n');
      assert.equal(await cli('flushall', 'async'), 'OK');
      assert.equal(await cli('-n', '3', 'dbsize'), '0');
    });

    test('unknown commands and wrong numbers of arguments', async () => {
      assert.match(await cli('nonsense', 'a'), /^ERR unknown command 'nonsense'/);
      assert.match(await cli('get'), /^ERR wrong number of arguments for 'get' command/);
      assert.match(await cli('get', 'a', 'b'), /^ERR wrong number of arguments for 'get' command/);
    });
  });

  describe('redis-benchmark', { skip: missing('redis-benchmark') }, () => {
    for (const pipeline of ['1', '16']) {
      test(`runs its tests with ${pipeline} in a pipeline without an error`, async () => {
        const result = await runClient('redis-benchmark', [
          ...['-p', String(example.port), '-t', 'ping,set,get,incr,mset'],
          ...['-P', pipeline, '-n', '10000', '-r', '1000', '--csv'],
        ]);
        assert.equal(result.code, 0);
        assert.equal(result.stderr, '');
        const lines = result.stdout.toString().trim().split('\n').slice(1);
        const names = lines.map((line) => line.split(',')[0]);
        const expected = ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)'];
        assert.deepEqual(
          names,
          expected.map((name) => `"${name}"`),
        );
        for (const line of lines) assert.match(line, /^"[^"]+","[1-9]/);
      });
    }
  });
});
