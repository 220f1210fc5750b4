import type { Call } from './call.ts';
import { collectionFor, collectionOf, dropIfEmpty } from './collections.ts';
import type { Command } from './command-table.ts';
import { ListValue } from './list-value.ts';
import { areIndexes, NOT_AN_INTEGER, rangeOf, replyWithBytes, wrongArity } from './replies.ts';

function lpush(call: Call): void {
  const list = collectionFor(call, ListValue, () => new ListValue());
  if (list === null) return;
  for (let index = 2; index < call.count; index++) list.unshift(call.copy(index));
  call.reply.integer(list.length);
}

function rpush(call: Call): void {
  const list = collectionFor(call, ListValue, () => new ListValue());
  if (list === null) return;
  for (let index = 2; index < call.count; index++) list.push(call.copy(index));
  call.reply.integer(list.length);
}

function lpop(call: Call): void {
  pop(call, 'lpop', (list) => list.shift());
}

function rpop(call: Call): void {
  pop(call, 'rpop', (list) => list.pop());
}

function pop(call: Call, name: string, take: (list: ListValue) => Uint8Array): void {
  const { reply } = call;
  if (call.count > 3) return wrongArity(call, name);
  const wanted = call.count === 3 ? call.integer(2) : 1;
  if (wanted === null || wanted < 0) {
    return reply.error('ERR value is out of range, must be positive');
  }
  const list = collectionOf(call, ListValue);
  if (list === null) return;
  if (list === undefined) {
    if (call.count === 3) reply.nilArray();
    else reply.nil();
    return;
  }
  const count = Math.min(wanted, list.length);
  if (call.count === 3) reply.arrayHeader(count);
  for (let taken = 0; taken < count; taken++) replyWithBytes(call, take(list));
  dropIfEmpty(call, list.length);
}

function llen(call: Call): void {
  const list = collectionOf(call, ListValue);
  if (list !== null) call.reply.integer(list?.length ?? 0);
}

function lindex(call: Call): void {
  const list = collectionOf(call, ListValue);
  if (list === null) return;
  if (list === undefined) return call.reply.nil();
  const wanted = call.integer(2);
  if (wanted === null) return call.reply.error(NOT_AN_INTEGER);
  const { length } = list;
  const index = wanted < 0 ? wanted + length : wanted;
  replyWithBytes(call, index >= 0 && index < length ? list.at(index) : undefined);
}

function lrange(call: Call): void {
  if (!areIndexes(call, 2)) return;
  const list = collectionOf(call, ListValue);
  if (list === null) return;
  const [start, end] = rangeOf(call, 2, list?.length ?? 0);
  call.reply.arrayHeader(end - start);
  for (let index = start; index < end; index++) replyWithBytes(call, list?.at(index));
}

const writes = ['write', 'denyoom', 'fast'];

export const listCommands: readonly Command[] = [
  { name: 'lpush', arity: -3, keys: [1, 1, 1], flags: writes, run: lpush },
  { name: 'rpush', arity: -3, keys: [1, 1, 1], flags: writes, run: rpush },
  { name: 'lpop', arity: -2, keys: [1, 1, 1], flags: ['write', 'fast'], run: lpop },
  { name: 'rpop', arity: -2, keys: [1, 1, 1], flags: ['write', 'fast'], run: rpop },
  { name: 'llen', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: llen },
  { name: 'lindex', arity: 3, keys: [1, 1, 1], flags: ['readonly'], run: lindex },
  { name: 'lrange', arity: 4, keys: [1, 1, 1], flags: ['readonly'], run: lrange },
];
