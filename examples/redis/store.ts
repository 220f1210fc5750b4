import type { Clock } from './clock.ts';
import { DATABASES, EXPIRY_SCAN_MAX, SCANS_MAX } from './limits.ts';
import { ListValue } from './list-value.ts';
import { SetValue } from './set-value.ts';
import { SortedSetValue } from './sorted-set-value.ts';

const NOTHING = new Uint8Array(0);
/** Below this a loop is quicker than a view and a call of `set`. */
const SHORT_VALUE = 64;

/** Everything but a string; hashes are maps. */
export type Collection = ListValue | Map<string, Uint8Array> | SetValue | SortedSetValue;

/** One value: bytes of its own, an integer that `INCR` made, or a collection. */
export class Entry {
  collection: Collection | null = null;
  isInteger = false;
  integer = 0;
  bytes: Uint8Array = NOTHING;
  /** Milliseconds since 1970; 0: never. */
  expiresAt = 0;

  /** Copies `source[start..end)`, into the memory of the old value when the length is the same. */
  setBytes(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.isInteger = false;
    this.collection = null;
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
    this.collection = null;
    this.integer = value;
    this.bytes = NOTHING;
  }
}

/** As `TYPE` says it. */
export function typeOf(entry: Entry): string {
  const { collection } = entry;
  if (collection === null) return 'string';
  if (collection instanceof ListValue) return 'list';
  if (collection instanceof SetValue) return 'set';
  return collection instanceof SortedSetValue ? 'zset' : 'hash';
}

/** Keys are latin1 strings: one character per byte. */
export class Database {
  readonly #entries = new Map<string, Entry>();
  /** The entries that have a time limit. */
  readonly #limited = new Map<string, Entry>();
  /** Scans under way, by cursor; they see what is added and miss what is deleted meanwhile. */
  readonly #scans = new Map<number, MapIterator<[string, Entry]>>();
  #lastCursor = 0;

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

  /** The entry of `key`, made when there is none, with the time limit that it has. */
  forChange(key: string, clock: Clock): Entry {
    let entry = this.get(key, clock);
    if (entry === undefined) {
      entry = new Entry();
      this.#entries.set(key, entry);
    }
    return entry;
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

  /** False when it had no time limit. */
  persist(key: string, entry: Entry): boolean {
    entry.expiresAt = 0;
    return this.#limited.delete(key);
  }

  delete(key: string): boolean {
    this.#limited.delete(key);
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#limited.clear();
    this.#scans.clear();
  }

  /**
   * The scan that `cursor` stands for. One that is not known (any more) begins anew: keys may be
   * seen twice then, and none is missed.
   */
  scan(cursor: number): MapIterator<[string, Entry]> {
    const known = this.#scans.get(cursor);
    this.#scans.delete(cursor);
    return known ?? this.#entries.entries();
  }

  /** Returns the cursor by which the scan goes on. */
  keepScan(scan: MapIterator<[string, Entry]>): number {
    if (this.#scans.size >= SCANS_MAX) {
      const [oldest] = this.#scans.keys();
      this.#scans.delete(oldest as number);
    }
    this.#scans.set(++this.#lastCursor, scan);
    return this.#lastCursor;
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
