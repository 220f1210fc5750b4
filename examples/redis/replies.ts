/** Error texts that several commands have, word for word as clients know them. */
import type { Call } from './call.ts';
import type { Entry } from './store.ts';

export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
export const SYNTAX_ERROR = 'ERR syntax error';
const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';

export function wrongArity(call: Call, name: string): void {
  call.reply.error(`ERR wrong number of arguments for '${name}' command`);
}

/** For `return failed(…)` where null means that an error was answered. */
export function failed(call: Call, text: string): null {
  call.reply.error(text);
  return null;
}

export function wrongType(call: Call): null {
  return failed(call, WRONG_TYPE);
}

/** A string, or nothing. */
export function replyWithEntry(call: Call, entry: Entry | undefined): void {
  if (entry === undefined) call.reply.nil();
  else if (entry.collection !== null) wrongType(call);
  else if (entry.isInteger) call.reply.bulkInteger(entry.integer);
  else call.reply.bulk(entry.bytes, 0, entry.bytes.length);
}

export function replyWithBytes(call: Call, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) call.reply.nil();
  else call.reply.bulk(bytes, 0, bytes.length);
}

/** Whether two arguments are indexes; an error was answered if not. */
export function areIndexes(call: Call, first: number): boolean {
  if (call.integer(first) !== null && call.integer(first + 1) !== null) return true;
  call.reply.error(NOT_AN_INTEGER);
  return false;
}

/** Two such arguments, of which negative ones count from the end, as `[start, end)`. */
export function rangeOf(call: Call, first: number, length: number): [number, number] {
  const from = call.integer(first) as number;
  const to = call.integer(first + 1) as number;
  const start = Math.max(0, from < 0 ? from + length : from);
  const end = Math.min(length, (to < 0 ? to + length : to) + 1);
  return start < end ? [start, end] : [0, 0];
}
