import { type Call, INT64_MAX, INT64_MIN, int64, readInteger } from './call.ts';
import type { Command } from './command-table.ts';
import { failed, NOT_AN_INTEGER, wrongType } from './replies.ts';

function incr(call: Call): void {
  add(call, 1);
}

function decr(call: Call): void {
  add(call, -1);
}

function incrby(call: Call): void {
  const by = call.integer(2);
  if (by !== null) add(call, by);
  else addBigArgument(call, 1n);
}

function decrby(call: Call): void {
  const by = call.integer(2);
  if (by !== null) add(call, -by);
  else addBigArgument(call, -1n);
}

function add(call: Call, by: number): void {
  const entry = call.entry();
  let value: number | null = 0;
  if (entry !== undefined) {
    if (entry.collection !== null) {
      wrongType(call);
      return;
    }
    value = entry.isInteger ? entry.integer : readInteger(entry.bytes, 0, entry.bytes.length);
  }
  const sum = value === null ? Number.NaN : value + by;
  if (!Number.isSafeInteger(sum)) return addBig(call, BigInt(by));
  const target = entry ?? call.database.forWriting(call.key(1));
  target.setInteger(sum);
  call.reply.integer(sum);
}

function addBigArgument(call: Call, sign: bigint): void {
  const by = int64(call.key(2));
  if (by === null) return call.reply.error(NOT_AN_INTEGER);
  if (sign < 0n && by === INT64_MIN) return call.reply.error('ERR decrement would overflow');
  addBig(call, by * sign);
}

/** For values that a number cannot hold exactly: they stay text. */
function addBig(call: Call, by: bigint): void {
  const old = call.entry();
  if (old !== undefined && old.collection !== null) {
    wrongType(call);
    return;
  }
  let text = '0';
  if (old?.isInteger) text = String(old.integer);
  else if (old !== undefined) text = Buffer.from(old.bytes).toString('latin1');
  const value = int64(text);
  if (value === null) return call.reply.error(NOT_AN_INTEGER);
  const sum = value + by;
  if (sum > INT64_MAX || sum < INT64_MIN) {
    failed(call, 'ERR increment or decrement would overflow');
    return;
  }
  const next = String(sum);
  const entry = call.database.forChange(call.key(1), call.clock);
  entry.setBytes(Buffer.from(next, 'latin1'), 0, next.length);
  call.reply.bigInteger(next);
}

const flags = ['write', 'denyoom', 'fast'];

export const counterCommands: readonly Command[] = [
  { name: 'incr', arity: 2, keys: [1, 1, 1], flags, run: incr },
  { name: 'decr', arity: 2, keys: [1, 1, 1], flags, run: decr },
  { name: 'incrby', arity: 3, keys: [1, 1, 1], flags, run: incrby },
  { name: 'decrby', arity: 3, keys: [1, 1, 1], flags, run: decrby },
];
