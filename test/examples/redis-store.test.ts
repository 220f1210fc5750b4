import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readInteger } from '../../examples/redis/call.ts';
import { Clock } from '../../examples/redis/clock.ts';
import { CommandTable } from '../../examples/redis/command-table.ts';
import { KeyCache } from '../../examples/redis/key-cache.ts';
import { commands } from '../../examples/redis/server-commands.ts';
import { Database } from '../../examples/redis/store.ts';

class SetClock extends Clock {
  time = 1_000;
  override get now(): number {
    return this.time;
  }
}

function put(database: Database, key: string, value: string): void {
  const bytes = Buffer.from(value);
  database.forWriting(key).setBytes(bytes, 0, bytes.length);
}

function text(database: Database, key: string, clock: Clock): string | undefined {
  const entry = database.get(key, clock);
  return entry === undefined ? undefined : Buffer.from(entry.bytes).toString();
}

describe('Database', () => {
  test('a key is gone when its time has come, and a new value forgets the time', () => {
    const database = new Database();
    const clock = new SetClock();
    put(database, 'a', '1');
    put(database, 'b', '1');
    for (const key of ['a', 'b']) {
      const entry = database.get(key, clock);
      assert.ok(entry);
      database.expire(key, entry, 2_000);
    }
    clock.time = 1_999;
    assert.equal(text(database, 'a', clock), '1');
    put(database, 'b', '2');
    clock.time = 2_000;
    assert.equal(text(database, 'a', clock), undefined);
    assert.equal(text(database, 'b', clock), '2');
    assert.deepEqual([database.size, database.limitedSize], [1, 0]);
  });

  test('a sweep deletes what is expired, looks at a bounded number, and comes around', () => {
    const database = new Database();
    const clock = new SetClock();
    for (let index = 0; index < 100; index++) {
      put(database, `k${index}`, 'v');
      const entry = database.get(`k${index}`, clock);
      assert.ok(entry);
      database.expire(`k${index}`, entry, index % 2 === 0 ? 1_500 : 9_000);
    }
    assert.equal(database.sweep(2_000, 10), 10);
    assert.equal(database.size, 95);
    for (let round = 0; round < 10; round++) database.sweep(2_000, 10);
    assert.deepEqual([database.size, database.limitedSize], [50, 50]);
    assert.equal([...database.keys(clock)].length, 50);
  });

  test('a value is a copy, also when it takes the place of one of the same length', () => {
    const database = new Database();
    const clock = new SetClock();
    const source = Buffer.from('abcdef');
    const entry = database.forWriting('k');
    entry.setBytes(source, 1, 4);
    entry.setBytes(source, 2, 5);
    source.fill(0);
    assert.equal(text(database, 'k', clock), 'cde');
    const long = Buffer.alloc(200, 'x');
    entry.setBytes(long, 0, 200);
    long.fill(0);
    assert.equal(text(database, 'k', clock), 'x'.repeat(200));
  });
});

test('Clock reads the time once until it is restarted', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 5_000 });
  const clock = new Clock();
  assert.equal(clock.now, 5_000);
  t.mock.timers.setTime(6_000);
  assert.equal(clock.now, 5_000);
  clock.restart();
  assert.equal(clock.now, 6_000);
});

test('KeyCache gives the text of any bytes, whatever was asked before', () => {
  const cache = new KeyCache();
  const key = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 30 }), (keys) => {
      for (const bytes of [...keys, ...keys]) {
        const source = Buffer.concat([Buffer.from('#'), bytes, Buffer.from('#')]);
        const expected = Buffer.from(bytes).toString('latin1');
        assert.equal(cache.text(source, 1, source.length - 1), expected);
      }
    }),
  );
});

test('readInteger takes what a number says exactly, in its shortest form', () => {
  const read = (value: string): number | null => readInteger(Buffer.from(value), 0, value.length);
  for (const value of [0, 7, -1, 120, 2 ** 53 - 1, -(2 ** 53) + 1]) {
    assert.equal(read(String(value)), value);
  }
  const refused = [
    '',
    '-',
    '+1',
    '01',
    '-0',
    '00',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    'a',
    '9007199254740993',
  ];
  for (const value of [...refused, '9'.repeat(19), '9'.repeat(30)]) assert.equal(read(value), null);
});

describe('CommandTable', () => {
  test('finds every command in any case of letters, and nothing else', () => {
    for (const command of commands.all) {
      for (const name of [command.name, command.name.toUpperCase()]) {
        const bytes = Buffer.from(`<${name}>`);
        assert.equal(commands.find(bytes, 1, bytes.length - 1), command);
        assert.equal(commands.find(bytes, 1, bytes.length), null);
      }
    }
    for (const name of ['', 'g', 'ge', 'gett', 'g\x05t', 'GE\x14', '\0\0\0']) {
      assert.equal(commands.find(Buffer.from(name, 'latin1'), 0, name.length), null);
    }
  });

  test('an empty table finds nothing', () => {
    assert.equal(new CommandTable([]).find(Buffer.from('get'), 0, 3), null);
  });
});
