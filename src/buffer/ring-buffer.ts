import { assert } from '../base/assert.ts';

/** Storage of a ring that needs at most this much for its first write. */
const FIRST_CAPACITY = 1024;
/** Below this capacity a ring doubles; from it on it grows by quarters, to waste less. */
const DOUBLING_BELOW = 4096;

const NO_STORAGE = Buffer.allocUnsafeSlow(0);

/**
 * Bytes that a connection has received and not consumed, if they are not all in the
 * receive buffer. Plain memory: no kernel call ever sees it.
 *
 *   not wrapped                        wrapped
 *   0      head       tail   capacity  0      tail       head    capacity
 *   | free | received | free |         | received | free | received |
 *             ^ oldest                    ^ newer          ^ oldest
 *
 * Empty is `length === 0`, full is `length === capacity`: the tail is computed from the head and the
 * length, so that the two cannot be mistaken for one another. An empty ring has `head === 0`, and
 * gives its storage away: a connection with nothing pending costs no memory.
 *
 * A view from `peek` stays as it is until bytes of it are discarded and others are written in their
 * place. Storage is therefore never rearranged in place: what has to move moves to fresh storage,
 * and the old storage lives as long as a view of it exists.
 */
export class RingBuffer {
  #storage: Buffer;
  #head = 0;
  #length = 0;
  /** Consumed since `beginFrame`: the bytes in front of the head that may have been lent. */
  #recent = 0;
  #lent = false;

  /** `capacity`: bytes of storage to begin with; none by default. */
  constructor(capacity = 0) {
    assert(Number.isSafeInteger(capacity) && capacity >= 0, 'a ring has a capacity of 0 or more');
    this.#storage = capacity === 0 ? NO_STORAGE : Buffer.allocUnsafeSlow(capacity);
  }

  /** Bytes that were written and not discarded. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of storage held now. */
  get capacity(): number {
    return this.#storage.length;
  }

  /** Appends `bytes[start..end)`, growing when there is no room for it. */
  write(bytes: Uint8Array, start: number, end: number): void {
    assert(
      start >= 0 && start <= end && end <= bytes.length,
      'written bytes lie inside the source',
    );
    const count = end - start;
    if (count === 0) return;
    const needed = this.#length + count;
    const occupied = this.#lent ? needed + this.#recent : needed;
    if (occupied > this.#storage.length)
      this.#moveTo(grownCapacity(this.#storage.length, occupied));
    const capacity = this.#storage.length;
    let tail = this.#head + this.#length;
    if (tail >= capacity) tail -= capacity;
    const beforeEdge = Math.min(count, capacity - tail);
    this.#storage.set(bytes.subarray(start, start + beforeEdge), tail);
    if (beforeEdge < count) this.#storage.set(bytes.subarray(start + beforeEdge, end), 0);
    this.#length = needed;
  }

  /**
   * The oldest `n` bytes (0..length) in one piece, not consumed: a view, lent as described above.
   * When they wrap, everything moves to fresh storage once, after which nothing wraps.
   */
  peek(n: number): Buffer {
    assert(n >= 0 && n <= this.#length, 'only bytes that are there can be looked at');
    if (this.#head + n > this.#storage.length) this.#moveTo(this.#storage.length);
    return this.#storage.subarray(this.#head, this.#head + n);
  }

  /** Whether a view of `peek`, or a part of one, has bytes that are not consumed. */
  holds(view: Uint8Array): boolean {
    const storage = this.#storage;
    if (view.buffer !== storage.buffer || this.#length === 0) return false;
    const start = view.byteOffset - storage.byteOffset;
    const offset = start < this.#head ? start + storage.length - this.#head : start - this.#head;
    return offset < this.#length || offset + view.length > storage.length;
  }

  /** Consumes the oldest `n` bytes (0..length). */
  discard(n: number): void {
    assert(n >= 0 && n <= this.#length, 'only bytes that are there can be discarded');
    if (n === this.#length) {
      this.reset();
      return;
    }
    this.#length -= n;
    this.#recent += n;
    this.#head += n;
    if (this.#head >= this.#storage.length) this.#head -= this.#storage.length;
  }

  /** The byte at `offset` (0..length-1) from the oldest one. */
  byteAt(offset: number): number {
    assert(offset >= 0 && offset < this.#length, 'only bytes that are there can be looked at');
    const index = this.#head + offset;
    const capacity = this.#storage.length;
    return this.#storage[index < capacity ? index : index - capacity]!;
  }

  /** Offset of the first `byte` in `from..to` (0 <= from <= to <= length), or -1. */
  indexOf(byte: number, from: number, to: number): number {
    assert(from >= 0 && from <= to && to <= this.#length, 'only bytes that are there are searched');
    const capacity = this.#storage.length;
    const edge = capacity - this.#head;
    if (from < edge) {
      const end = this.#head + Math.min(to, edge);
      const index = indexOfByte(this.#storage, byte, this.#head + from, end);
      if (index >= 0) return index - this.#head;
    }
    if (to <= edge) return -1;
    const index = indexOfByte(this.#storage, byte, Math.max(from - edge, 0), to - edge);
    return index < 0 ? -1 : index + edge;
  }

  /** Consumes everything and lets go of the storage. */
  reset(): void {
    this.#storage = NO_STORAGE;
    this.#head = 0;
    this.#length = 0;
    this.#recent = 0;
  }

  /** What is consumed from here on is one frame's: `lend` keeps it. */
  beginFrame(): void {
    this.#recent = 0;
  }

  /**
   * Until `endLend`, no write changes what was consumed since `beginFrame`, or is consumed meanwhile.
   * Nothing is copied for that: only a write that finds no other room moves what is not consumed.
   */
  lend(): void {
    this.#lent = true;
  }

  endLend(): void {
    this.#lent = false;
  }

  /** Consumed bytes never change again, because views of them may exist: the rest moves away. */
  leaveStorage(): void {
    if (this.#length > 0) this.#moveTo(this.#storage.length);
  }

  /** For tests, after every change. */
  checkInvariants(): void {
    const capacity = this.#storage.length;
    assert(this.#length >= 0 && this.#length <= capacity, 'a ring holds 0..capacity bytes');
    assert(this.#recent >= 0, 'what was consumed of a frame is counted');
    assert(this.#head === 0 || this.#head < capacity, 'the head stands inside the storage');
    assert(this.#length > 0 || this.#head === 0, 'an empty ring begins at 0');
    assert(this.#storage === NO_STORAGE || capacity > 0, 'no storage is always the same one');
  }

  /** Fresh storage with the same bytes, beginning at 0. */
  #moveTo(capacity: number): void {
    const fresh = Buffer.allocUnsafeSlow(capacity);
    const tail = this.#head + this.#length;
    const copied = this.#storage.copy(fresh, 0, this.#head, tail);
    if (copied < this.#length) this.#storage.copy(fresh, copied, 0, this.#length - copied);
    this.#storage = fresh;
    this.#head = 0;
    this.#recent = 0;
  }
}

/**
 * The capacity of a ring of `capacity` bytes that needs `needed` of them: from nothing 1,024 or the
 * next power of two; then double, or quarters of itself from 4,096 on; a need beyond double exactly.
 */
function grownCapacity(capacity: number, needed: number): number {
  if (capacity === 0) {
    let first = FIRST_CAPACITY;
    while (first < needed) first *= 2;
    return first;
  }
  if (needed > capacity * 2) return needed;
  if (capacity < DOUBLING_BELOW) return capacity * 2;
  let grown = capacity;
  while (grown < needed) grown += Math.floor(grown / 4);
  return grown;
}

/** `Buffer.indexOf` has no end, and would look at bytes behind it. */
function indexOfByte(storage: Buffer, byte: number, from: number, end: number): number {
  const index =
    end === storage.length
      ? storage.indexOf(byte, from)
      : storage.subarray(from, end).indexOf(byte);
  return index < 0 || end === storage.length ? index : index + from;
}
