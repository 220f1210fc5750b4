import type { Call } from './call.ts';
import { collectionFor, collectionOf, dropIfEmpty } from './collections.ts';
import type { Command } from './command-table.ts';
import { areIndexes, NOT_AN_INTEGER, rangeOf, SYNTAX_ERROR, wrongArity } from './replies.ts';
import { SetValue } from './set-value.ts';
import { SortedSetValue } from './sorted-set-value.ts';

const NOT_POSITIVE = 'ERR value is out of range, must be positive';

function sadd(call: Call): void {
  const set = collectionFor(call, SetValue, () => new SetValue());
  if (set === null) return;
  let added = 0;
  for (let index = 2; index < call.count; index++) if (set.add(call.key(index))) added++;
  call.reply.integer(added);
}

function srem(call: Call): void {
  const set = collectionOf(call, SetValue);
  if (set === null) return;
  let deleted = 0;
  for (let index = 2; index < call.count; index++) if (set?.delete(call.key(index))) deleted++;
  if (set !== undefined) dropIfEmpty(call, set.size);
  call.reply.integer(deleted);
}

function scard(call: Call): void {
  const set = collectionOf(call, SetValue);
  if (set !== null) call.reply.integer(set?.size ?? 0);
}

function sismember(call: Call): void {
  const set = collectionOf(call, SetValue);
  if (set !== null) call.reply.integer(set?.has(call.key(2)) ? 1 : 0);
}

function smembers(call: Call): void {
  const set = collectionOf(call, SetValue);
  if (set === null) return;
  call.reply.setHeader(set?.size ?? 0);
  for (const member of set?.values() ?? []) call.reply.bulkKey(member);
}

function spop(call: Call): void {
  const { reply } = call;
  if (call.count > 3) return reply.error(SYNTAX_ERROR);
  const wanted = call.count === 3 ? call.integer(2) : 1;
  if (wanted === null || wanted < 0) return reply.error(NOT_POSITIVE);
  const set = collectionOf(call, SetValue);
  if (set === null) return;
  if (call.count === 2) {
    if (set === undefined) return reply.nil();
    reply.bulkKey(set.pop());
  } else {
    const count = Math.min(wanted, set?.size ?? 0);
    reply.setHeader(count);
    for (let taken = 0; taken < count; taken++) reply.bulkKey((set as SetValue).pop());
  }
  if (set !== undefined) dropIfEmpty(call, set.size);
}

/** A score, or null when it is no number. */
function readScore(text: string): number | null {
  if (/^[+-]?inf(inity)?$/i.test(text)) {
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}

/** Without options: each member gets its score. */
function zadd(call: Call): void {
  if (call.count % 2 !== 0) return call.reply.error(SYNTAX_ERROR);
  for (let index = 2; index < call.count; index += 2) {
    if (readScore(call.key(index)) === null) {
      return call.reply.error('ERR value is not a valid float');
    }
  }
  const set = collectionFor(call, SortedSetValue, () => new SortedSetValue());
  if (set === null) return;
  let added = 0;
  for (let index = 2; index < call.count; index += 2) {
    if (set.set(call.key(index + 1), readScore(call.key(index)) as number)) added++;
  }
  call.reply.integer(added);
}

function zrem(call: Call): void {
  const set = collectionOf(call, SortedSetValue);
  if (set === null) return;
  let deleted = 0;
  for (let index = 2; index < call.count; index++) if (set?.delete(call.key(index))) deleted++;
  if (set !== undefined) dropIfEmpty(call, set.size);
  call.reply.integer(deleted);
}

function zcard(call: Call): void {
  const set = collectionOf(call, SortedSetValue);
  if (set !== null) call.reply.integer(set?.size ?? 0);
}

function zscore(call: Call): void {
  const set = collectionOf(call, SortedSetValue);
  if (set === null) return;
  const score = set?.score(call.key(2));
  if (score === undefined) call.reply.nil();
  else call.reply.double(score);
}

function zpopmin(call: Call): void {
  const { reply } = call;
  if (call.count > 3) return wrongArity(call, 'zpopmin');
  const wanted = call.count === 3 ? call.integer(2) : 1;
  if (wanted === null) return reply.error(NOT_AN_INTEGER);
  if (wanted < 0) return reply.error(NOT_POSITIVE);
  const set = collectionOf(call, SortedSetValue);
  if (set === null) return;
  const count = Math.min(wanted, set?.size ?? 0);
  // In RESP3, with a count, each member and its score are an array of their own.
  const nested = reply.protocol === 3 && call.count === 3;
  reply.arrayHeader(nested ? count : count * 2);
  for (let taken = 0; taken < count; taken++) {
    const { member, score } = (set as SortedSetValue).popMin();
    if (nested) reply.arrayHeader(2);
    reply.bulkKey(member);
    reply.double(score);
  }
  if (set !== undefined) dropIfEmpty(call, set.size);
}

/** By rank alone. */
function zrange(call: Call): void {
  const { reply } = call;
  const scores = call.count === 5 && call.word(4) === 'withscores';
  if (call.count > 4 && !scores) return reply.error(SYNTAX_ERROR);
  if (!areIndexes(call, 2)) return;
  const set = collectionOf(call, SortedSetValue);
  if (set === null) return;
  const [start, end] = rangeOf(call, 2, set?.size ?? 0);
  const nested = scores && reply.protocol === 3;
  reply.arrayHeader((end - start) * (scores && !nested ? 2 : 1));
  for (let rank = start; rank < end; rank++) {
    const { member, score } = (set as SortedSetValue).at(rank);
    if (nested) reply.arrayHeader(2);
    reply.bulkKey(member);
    if (scores) reply.double(score);
  }
}

const writes = ['write', 'denyoom', 'fast'];

export const setCommands: readonly Command[] = [
  { name: 'sadd', arity: -3, keys: [1, 1, 1], flags: writes, run: sadd },
  { name: 'srem', arity: -3, keys: [1, 1, 1], flags: ['write', 'fast'], run: srem },
  { name: 'scard', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: scard },
  { name: 'sismember', arity: 3, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: sismember },
  { name: 'smembers', arity: 2, keys: [1, 1, 1], flags: ['readonly'], run: smembers },
  { name: 'spop', arity: -2, keys: [1, 1, 1], flags: ['write', 'fast'], run: spop },
  { name: 'zadd', arity: -4, keys: [1, 1, 1], flags: writes, run: zadd },
  { name: 'zrem', arity: -3, keys: [1, 1, 1], flags: ['write', 'fast'], run: zrem },
  { name: 'zcard', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: zcard },
  { name: 'zscore', arity: 3, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: zscore },
  { name: 'zpopmin', arity: -2, keys: [1, 1, 1], flags: ['write', 'fast'], run: zpopmin },
  { name: 'zrange', arity: -4, keys: [1, 1, 1], flags: ['readonly'], run: zrange },
];
