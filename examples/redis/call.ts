import { Clock } from './clock.ts';
import { KeyCache } from './key-cache.ts';
import { ReplyWriter } from './reply-writer.ts';
import type { Session } from './session.ts';
import { type Database, type Entry, Store } from './store.ts';

/** Beyond this many digits text is never a 64-bit integer. */
const INTEGER_DIGITS_MAX = 19;
/** Up to here a number can hold every integer that these digits can say. */
const EXACT_DIGITS_MAX = 15;

export const INT64_MAX = 2n ** 63n - 1n;
export const INT64_MIN = -(2n ** 63n);

/** What a command sees of the client's call. One object, used again for every call. */
export class Call {
  readonly store = new Store();
  readonly reply = new ReplyWriter();
  session: Session | null = null;
  /** Listeners by channel. */
  readonly channels = new Map<string, Set<Session>>();
  database: Database = this.store.databases[0] as Database;
  readonly clock = new Clock();
  /** Set by a command that ends the connection. */
  quits = false;
  /** Arguments of this call, with the name of the command. */
  count = 0;
  bytes: Buffer = Buffer.alloc(0);
  #offsets: Int32Array = new Int32Array(0);
  #first = 0;
  readonly #keys = new KeyCache();

  begin(bytes: Buffer, offsets: Int32Array, first: number, count: number): void {
    this.bytes = bytes;
    this.#offsets = offsets;
    this.#first = first * 2;
    this.count = count;
  }

  start(index: number): number {
    return this.#offsets[this.#first + index * 2] as number;
  }

  end(index: number): number {
    return this.#offsets[this.#first + index * 2 + 1] as number;
  }

  /** The argument as a key: one character per byte. */
  key(index: number): string {
    return this.#keys.text(this.bytes, this.start(index), this.end(index));
  }

  /** The argument as text in lower case, for options and names. */
  word(index: number): string {
    return this.key(index).toLowerCase();
  }

  /** The argument as an integer, or null when it is none that a number holds exactly. */
  integer(index: number): number | null {
    return readInteger(this.bytes, this.start(index), this.end(index));
  }

  /** A copy of the argument. */
  copy(index: number): Uint8Array {
    return new Uint8Array(this.bytes.subarray(this.start(index), this.end(index)));
  }

  /** The value of the key in the first argument. */
  entry(): Entry | undefined {
    return this.database.get(this.key(1), this.clock);
  }

  replyWithArgument(index: number): void {
    this.reply.bulk(this.bytes, this.start(index), this.end(index));
  }
}

/**
 * The decimal integer in `bytes[start..end)` when that is its shortest form (no plus sign, no
 * leading zeros) and a number holds it exactly, else null.
 */
export function readInteger(bytes: Uint8Array, start: number, end: number): number | null {
  const negative = bytes[start] === 0x2d;
  const digits = negative ? start + 1 : start;
  const length = end - digits;
  if (length < 1 || length > INTEGER_DIGITS_MAX) return null;
  if (bytes[digits] === 0x30 && (length > 1 || negative)) return null;
  let value = 0;
  for (let index = digits; index < end; index++) {
    const digit = (bytes[index] as number) - 0x30;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  if (length > EXACT_DIGITS_MAX && !Number.isSafeInteger(value)) return null;
  return negative ? -value : value;
}

/** A 64-bit integer in its shortest form, or null. */
export function int64(text: string): bigint | null {
  const value = /^(0|-?[1-9]\d{0,18})$/.test(text) ? BigInt(text) : null;
  return value === null || value > INT64_MAX || value < INT64_MIN ? null : value;
}
