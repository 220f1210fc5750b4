import type { Clock } from './clock.ts';
import { DATABASES, EXPIRY_SCAN_MAX } from './limits.ts';

const NOTHING = new Uint8Array(0);
/** Below this a loop is quicker than a view and a call of `set`. */
const SHORT_VALUE = 64;

/** One value: bytes of its own, or an integer that `INCR` made. */
export class Entry {
  isInteger = false;
  integer = 0;
  bytes: Uint8Array = NOTHING;
  /** Milliseconds since 1970; 0: never. */
  expiresAt = 0;

  /** Copies `source[start..end)`, into the memory of the old value when the length is the same. */
  setBytes(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.isInteger = false;
    let bytes = this.bytes;
    if (bytes.length !== length) {
      // Not from a shared pool: one small value would keep a whole page of it alive.
      bytes = new Uint8Array(length);
      this.bytes = bytes;
    }
    if (length > SHORT_VALUE) bytes.set(source.subarray(start, end));
    else
      for (let index = 0; index < length; index++) bytes[index] = source[start + index] as number;
  }

  setInteger(value: number): void {
    this.isInteger = true;
    this.integer = value;
    this.bytes = NOTHING;
  }
}

/** Keys are latin1 strings: one character per byte. */
export class Database {
  readonly #entries = new Map<string, Entry>();
  /** The entries that have a time limit. */
  readonly #limited = new Map<string, Entry>();

  /** Expired keys that nobody asked for are still counted until a tick finds them. */
  get size(): number {
    return this.#entries.size;
  }

  get limitedSize(): number {
    return this.#limited.size;
  }

  get(key: string, clock: Clock): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt === 0 || entry.expiresAt > clock.now) return entry;
    this.delete(key);
    return undefined;
  }

  /** The entry of `key`, made when there is none, without a time limit: ready to be written to. */
  forWriting(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = new Entry();
      this.#entries.set(key, entry);
    } else if (entry.expiresAt !== 0) {
      entry.expiresAt = 0;
      this.#limited.delete(key);
    }
    return entry;
  }

  expire(key: string, entry: Entry, expiresAt: number): void {
    entry.expiresAt = expiresAt;
    this.#limited.set(key, entry);
  }

  delete(key: string): boolean {
    this.#limited.delete(key);
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#limited.clear();
  }

  *keys(clock: Clock): Generator<string> {
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAt === 0 || entry.expiresAt > clock.now) yield key;
    }
  }

  /** Deletes what is expired of the `limit` keys seen longest ago; returns how many it saw. */
  sweep(now: number, limit: number): number {
    let seen = 0;
    for (const [key, entry] of this.#limited) {
      if (seen === limit) break;
      seen++;
      this.#limited.delete(key);
      if (entry.expiresAt <= now) this.#entries.delete(key);
      else this.#limited.set(key, entry);
    }
    return seen;
  }
}

export class Store {
  readonly databases: readonly Database[] = Array.from({ length: DATABASES }, () => new Database());

  clear(): void {
    for (const database of this.databases) database.clear();
  }

  /** Forgets keys whose time is over; bounded, so that it never holds up the clients. */
  sweep(now: number): void {
    let left = EXPIRY_SCAN_MAX;
    for (const database of this.databases) {
      left -= database.sweep(now, Math.min(left, database.limitedSize));
    }
  }
}
