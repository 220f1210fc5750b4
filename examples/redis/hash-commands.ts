import type { Call } from './call.ts';
import { collectionFor, collectionOf, dropIfEmpty } from './collections.ts';
import type { Command } from './command-table.ts';
import { replyWithBytes, wrongArity } from './replies.ts';

type HashValue = Map<string, Uint8Array>;

const hashOf = (call: Call): HashValue | undefined | null =>
  collectionOf(call, Map) as HashValue | undefined | null;

function hset(call: Call): void {
  if (call.count % 2 !== 0) return wrongArity(call, 'hset');
  const added = setFields(call);
  if (added !== -1) call.reply.integer(added);
}

function hmset(call: Call): void {
  if (call.count % 2 !== 0) return wrongArity(call, 'hmset');
  if (setFields(call) !== -1) call.reply.ok();
}

/** How many fields are new, or -1 after an error was answered. */
function setFields(call: Call): number {
  const hash: HashValue | null = collectionFor<HashValue>(call, Map, () => new Map());
  if (hash === null) return -1;
  const before = hash.size;
  for (let index = 2; index < call.count; index += 2) {
    hash.set(call.key(index), call.copy(index + 1));
  }
  return hash.size - before;
}

function hget(call: Call): void {
  const hash = hashOf(call);
  if (hash !== null) replyWithBytes(call, hash?.get(call.key(2)));
}

function hmget(call: Call): void {
  const hash = hashOf(call);
  if (hash === null) return;
  call.reply.arrayHeader(call.count - 2);
  for (let index = 2; index < call.count; index++) replyWithBytes(call, hash?.get(call.key(index)));
}

function hdel(call: Call): void {
  const hash = hashOf(call);
  if (hash === null) return;
  let deleted = 0;
  for (let index = 2; index < call.count; index++) if (hash?.delete(call.key(index))) deleted++;
  if (hash !== undefined) dropIfEmpty(call, hash.size);
  call.reply.integer(deleted);
}

function hexists(call: Call): void {
  const hash = hashOf(call);
  if (hash !== null) call.reply.integer(hash?.has(call.key(2)) ? 1 : 0);
}

function hlen(call: Call): void {
  const hash = hashOf(call);
  if (hash !== null) call.reply.integer(hash?.size ?? 0);
}

function hgetall(call: Call): void {
  const hash = hashOf(call);
  if (hash === null) return;
  call.reply.mapHeader(hash?.size ?? 0);
  for (const [field, bytes] of hash ?? []) {
    call.reply.bulkKey(field);
    replyWithBytes(call, bytes);
  }
}

function hkeys(call: Call): void {
  const hash = hashOf(call);
  if (hash === null) return;
  call.reply.arrayHeader(hash?.size ?? 0);
  for (const field of hash?.keys() ?? []) call.reply.bulkKey(field);
}

function hvals(call: Call): void {
  const hash = hashOf(call);
  if (hash === null) return;
  call.reply.arrayHeader(hash?.size ?? 0);
  for (const bytes of hash?.values() ?? []) replyWithBytes(call, bytes);
}

const writes = ['write', 'denyoom', 'fast'];

export const hashCommands: readonly Command[] = [
  { name: 'hset', arity: -4, keys: [1, 1, 1], flags: writes, run: hset },
  { name: 'hmset', arity: -4, keys: [1, 1, 1], flags: writes, run: hmset },
  { name: 'hget', arity: 3, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: hget },
  { name: 'hmget', arity: -3, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: hmget },
  { name: 'hdel', arity: -3, keys: [1, 1, 1], flags: ['write', 'fast'], run: hdel },
  { name: 'hexists', arity: 3, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: hexists },
  { name: 'hlen', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: hlen },
  { name: 'hgetall', arity: 2, keys: [1, 1, 1], flags: ['readonly'], run: hgetall },
  { name: 'hkeys', arity: 2, keys: [1, 1, 1], flags: ['readonly'], run: hkeys },
  { name: 'hvals', arity: 2, keys: [1, 1, 1], flags: ['readonly'], run: hvals },
];
