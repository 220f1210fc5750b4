import { type Call, readInteger } from './call.ts';
import type { Command } from './command-table.ts';
import type { Entry } from './store.ts';

const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
const SYNTAX_ERROR = 'ERR syntax error';
const INT64_MAX = 2n ** 63n - 1n;

function replyWithEntry(call: Call, entry: Entry | undefined): void {
  if (entry === undefined) call.reply.nil();
  else if (entry.isInteger) call.reply.bulkInteger(entry.integer);
  else call.reply.bulk(entry.bytes, 0, entry.bytes.length);
}

function get(call: Call): void {
  replyWithEntry(call, call.database.get(call.key(1), call.clock));
}

interface SetOptions {
  onlyNew: boolean;
  onlyOld: boolean;
  /** Milliseconds since 1970; 0: never. */
  expiresAt: number;
}

/** Null after an error was answered. */
function readSetOptions(call: Call): SetOptions | null {
  const options: SetOptions = { onlyNew: false, onlyOld: false, expiresAt: 0 };
  for (let index = 3; index < call.count; index++) {
    const word = call.word(index);
    if (word === 'nx' && !options.onlyOld) options.onlyNew = true;
    else if (word === 'xx' && !options.onlyNew) options.onlyOld = true;
    else if ((word === 'ex' || word === 'px') && options.expiresAt === 0) {
      if (++index === call.count) return failed(call, SYNTAX_ERROR);
      const amount = call.integer(index);
      if (amount === null) return failed(call, NOT_AN_INTEGER);
      options.expiresAt = call.clock.now + amount * (word === 'ex' ? 1_000 : 1);
      if (amount <= 0 || !Number.isSafeInteger(options.expiresAt)) {
        return failed(call, "ERR invalid expire time in 'set' command");
      }
    } else return failed(call, SYNTAX_ERROR);
  }
  return options;
}

function failed(call: Call, text: string): null {
  call.reply.error(text);
  return null;
}

function set(call: Call): void {
  const key = call.key(1);
  const database = call.database;
  if (call.count === 3) {
    database.forWriting(key).setBytes(call.bytes, call.start(2), call.end(2));
    return call.reply.ok();
  }
  const options = readSetOptions(call);
  if (options === null) return;
  if (options.onlyNew || options.onlyOld) {
    const exists = database.get(key, call.clock) !== undefined;
    if (exists ? options.onlyNew : options.onlyOld) return call.reply.nil();
  }
  const entry = database.forWriting(key);
  entry.setBytes(call.bytes, call.start(2), call.end(2));
  if (options.expiresAt !== 0) database.expire(key, entry, options.expiresAt);
  call.reply.ok();
}

function mget(call: Call): void {
  call.reply.arrayHeader(call.count - 1);
  for (let index = 1; index < call.count; index++) {
    replyWithEntry(call, call.database.get(call.key(index), call.clock));
  }
}

function mset(call: Call): void {
  if (call.count % 2 === 0) {
    return call.reply.error("ERR wrong number of arguments for 'mset' command");
  }
  for (let index = 1; index < call.count; index += 2) {
    const entry = call.database.forWriting(call.key(index));
    entry.setBytes(call.bytes, call.start(index + 1), call.end(index + 1));
  }
  call.reply.ok();
}

function incr(call: Call): void {
  const key = call.key(1);
  const database = call.database;
  let entry = database.get(key, call.clock);
  if (entry === undefined) {
    entry = database.forWriting(key);
    entry.setInteger(0);
  }
  let value: number | null = entry.integer;
  if (!entry.isInteger) value = readInteger(entry.bytes, 0, entry.bytes.length);
  if (value === null || value === Number.MAX_SAFE_INTEGER) return incrBig(call, entry);
  entry.setInteger(value + 1);
  call.reply.integer(value + 1);
}

/** For values that a number cannot hold exactly: they stay text. */
function incrBig(call: Call, entry: Entry): void {
  const text = entry.isInteger
    ? String(entry.integer)
    : Buffer.from(entry.bytes).toString('latin1');
  const value = /^-?[1-9]\d{0,18}$/.test(text) ? BigInt(text) : null;
  if (value === null || value > INT64_MAX || value < -INT64_MAX - 1n) {
    return call.reply.error(NOT_AN_INTEGER);
  }
  if (value === INT64_MAX) return call.reply.error('ERR increment or decrement would overflow');
  const next = String(value + 1n);
  entry.setBytes(Buffer.from(next, 'latin1'), 0, next.length);
  call.reply.bigInteger(next);
}

export const stringCommands: readonly Command[] = [
  { name: 'get', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: get },
  { name: 'set', arity: -3, keys: [1, 1, 1], flags: ['write', 'denyoom'], run: set },
  { name: 'mget', arity: -2, keys: [1, -1, 1], flags: ['readonly', 'fast'], run: mget },
  { name: 'mset', arity: -3, keys: [1, -1, 2], flags: ['write', 'denyoom'], run: mset },
  { name: 'incr', arity: 2, keys: [1, 1, 1], flags: ['write', 'denyoom', 'fast'], run: incr },
];
