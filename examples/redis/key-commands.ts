import type { Call } from './call.ts';
import type { Command } from './command-table.ts';
import { globMatches } from './glob.ts';

function del(call: Call): void {
  let deleted = 0;
  for (let index = 1; index < call.count; index++) {
    const key = call.key(index);
    if (call.database.get(key, call.clock) !== undefined && call.database.delete(key)) deleted++;
  }
  call.reply.integer(deleted);
}

/** A key that is named twice counts twice. */
function exists(call: Call): void {
  let found = 0;
  for (let index = 1; index < call.count; index++) {
    if (call.database.get(call.key(index), call.clock) !== undefined) found++;
  }
  call.reply.integer(found);
}

function expire(call: Call): void {
  const key = call.key(1);
  const seconds = call.integer(2);
  if (seconds === null) return call.reply.error('ERR value is not an integer or out of range');
  const expiresAt = call.clock.now + seconds * 1_000;
  if (!Number.isSafeInteger(expiresAt)) {
    return call.reply.error("ERR invalid expire time in 'expire' command");
  }
  const entry = call.database.get(key, call.clock);
  if (entry === undefined) return call.reply.integer(0);
  if (expiresAt <= call.clock.now) call.database.delete(key);
  else call.database.expire(key, entry, expiresAt);
  call.reply.integer(1);
}

function millisecondsLeft(call: Call): number {
  const entry = call.database.get(call.key(1), call.clock);
  if (entry === undefined) return -2;
  return entry.expiresAt === 0 ? -1 : entry.expiresAt - call.clock.now;
}

function ttl(call: Call): void {
  const left = millisecondsLeft(call);
  call.reply.integer(left < 0 ? left : Math.round(left / 1_000));
}

function pttl(call: Call): void {
  call.reply.integer(millisecondsLeft(call));
}

function type(call: Call): void {
  const entry = call.database.get(call.key(1), call.clock);
  call.reply.simple(entry === undefined ? 'none' : 'string');
}

function keys(call: Call): void {
  const pattern = call.key(1);
  const found: string[] = [];
  for (const key of call.database.keys(call.clock)) {
    if (pattern === '*' || globMatches(pattern, key)) found.push(key);
  }
  call.reply.arrayHeader(found.length);
  for (const key of found) call.reply.bulk(Buffer.from(key, 'latin1'), 0, key.length);
}

function dbsize(call: Call): void {
  call.reply.integer(call.database.size);
}

/** The words `SYNC` and `ASYNC` are allowed and make no difference. */
function flushall(call: Call): void {
  const word = call.count === 2 ? call.word(1) : 'sync';
  if (call.count > 2 || (word !== 'sync' && word !== 'async')) {
    return call.reply.error('ERR syntax error');
  }
  call.store.clear();
  call.reply.ok();
}

export const keyCommands: readonly Command[] = [
  { name: 'del', arity: -2, keys: [1, -1, 1], flags: ['write'], run: del },
  { name: 'exists', arity: -2, keys: [1, -1, 1], flags: ['readonly', 'fast'], run: exists },
  { name: 'expire', arity: 3, keys: [1, 1, 1], flags: ['write', 'fast'], run: expire },
  { name: 'ttl', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: ttl },
  { name: 'pttl', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: pttl },
  { name: 'type', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: type },
  { name: 'keys', arity: 2, keys: [0, 0, 0], flags: ['readonly'], run: keys },
  { name: 'dbsize', arity: 1, keys: [0, 0, 0], flags: ['readonly', 'fast'], run: dbsize },
  { name: 'flushall', arity: -1, keys: [0, 0, 0], flags: ['write'], run: flushall },
];
