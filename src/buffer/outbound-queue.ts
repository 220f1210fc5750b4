import { assert } from '../base/assert.ts';
import type { Slab, SlabPool } from './slab.ts';

/** Descriptors that leave together with one byte of a queue. */
export interface Attachment {
  /** How many bytes are in front of that one. */
  at: number;
  readonly descriptors: readonly number[];
}

const none: readonly number[] = [];

/**
 * Bytes that wait for the kernel, in order, in pooled slabs; no I/O.
 *
 *   head                                              tail
 *   [....start=====end]->[start==========end]->[start====end......]
 *         ^ consumed up to here                          ^ written up to here
 *
 * `length` is the sum of all `end - start`; 0 means that there is no slab at all, so an idle
 * connection holds no memory. One cursor on each side: nothing can be sent twice or left out.
 *
 * A slab is the queue's own, or was received into and is lent (`pushLent`): nothing is written behind
 * the bytes of such a one.
 */
export class OutboundQueue {
  readonly #pool: SlabPool;
  #head: Slab | null = null;
  #tail: Slab | null = null;
  /** Bytes that wait. */
  length = 0;
  /** In order, each at another byte. */
  readonly attachments: Attachment[] = [];
  /** Where the newest reservation begins in its slab. */
  reserved = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** The slab that goes out first; its bytes `start..end` are waiting. */
  get head(): Slab | null {
    return this.#head;
  }

  #freshTail(): Slab {
    const slab = this.#pool.take();
    this.#append(slab, 0, 0);
    return slab;
  }

  #append(slab: Slab, start: number, end: number): void {
    slab.start = start;
    slab.end = end;
    slab.next = null;
    if (this.#tail === null) this.#head = slab;
    else this.#tail.next = slab;
    this.#tail = slab;
  }

  /** Whether bytes of a slab may wait in place: a queue must not hold far more memory than bytes. */
  static mayLend(slab: Slab, length: number): boolean {
    return length * 2 >= slab.capacity;
  }

  /**
   * Puts bytes `start..end` of a slab that was received into behind everything that waits, without a
   * copy: nobody may write them until they are sent. False when the slab waits in a queue already, which
   * links it: then they must be copied.
   */
  pushLent(slab: Slab, start: number, end: number): boolean {
    if (slab.lent) {
      if (slab !== this.#tail || slab.end !== start) return false;
      slab.end = end;
    } else {
      slab.home.retain(slab);
      slab.lent = true;
      this.#append(slab, start, end);
    }
    this.length += end - start;
    return true;
  }

  /**
   * Puts bytes `start..end` of a slab back in front of everything that waits; no queue has them. Without
   * a copy where they are much of the slab. @throws SyscallError ENOMEM when there is no memory for one;
   * nothing is put back.
   */
  unshift(slab: Slab, start: number, end: number): void {
    if (!slab.lent && OutboundQueue.mayLend(slab, end - start)) {
      slab.home.retain(slab);
      slab.lent = true;
      this.#prepend(slab, start, end);
    } else {
      this.#unshiftCopy(slab.bytes.subarray(start, end));
    }
    for (const attachment of this.attachments) attachment.at += end - start;
  }

  #unshiftCopy(bytes: Uint8Array): void {
    const { slabBytes } = this.#pool;
    const copies: Slab[] = [];
    try {
      while (copies.length * slabBytes < bytes.length) copies.push(this.#pool.take());
    } catch (error) {
      for (const copy of copies) this.#pool.release(copy);
      throw error;
    }
    for (let index = copies.length - 1; index >= 0; index--) {
      const copy = copies[index] as Slab;
      const part = bytes.subarray(index * slabBytes, (index + 1) * slabBytes);
      copy.bytes.set(part);
      this.#prepend(copy, 0, part.length);
    }
  }

  #prepend(slab: Slab, start: number, end: number): void {
    slab.start = start;
    slab.end = end;
    slab.next = this.#head;
    this.#head = slab;
    this.#tail ??= slab;
    this.length += end - start;
  }

  #release(slab: Slab): void {
    slab.next = null;
    slab.lent = false;
    this.#pool.release(slab);
  }

  /** Copies `data[start..end]` behind everything that waits. */
  push(data: Uint8Array, start: number, end: number): void {
    let from = start;
    while (from < end) {
      let slab = this.#tail;
      if (slab === null || slab.lent || slab.end === slab.capacity) slab = this.#freshTail();
      const count = Math.min(end - from, slab.capacity - slab.end);
      if (count === data.length) slab.bytes.set(data, slab.end);
      else slab.bytes.set(data.subarray(from, from + count), slab.end);
      // Only now: there may be no memory for a slab.
      slab.end += count;
      this.length += count;
      from += count;
    }
  }

  /** Copies `text` as UTF-8; returns its length in bytes. */
  pushString(text: string): number {
    let slab = this.#tail;
    // A UTF-16 unit takes at most three bytes: no need to measure what fits in any case.
    const most = text.length * 3;
    if (slab?.lent) slab = null;
    if (slab === null && most <= this.#pool.slabBytes && most > 0) slab = this.#freshTail();
    if (slab !== null && most <= slab.capacity - slab.end) {
      const written = slab.bytes.write(text, slab.end, 'utf8');
      slab.end += written;
      this.length += written;
      return written;
    }
    const bytes = Buffer.from(text, 'utf8');
    this.push(bytes, 0, bytes.length);
    return bytes.length;
  }

  /**
   * Adds `length` contiguous bytes (at most a slab) to the queue, which the caller must fill at
   * once: they are at `reserved` of the returned slab.
   */
  reserve(length: number): Slab {
    assert(length <= this.#pool.slabBytes, 'what is reserved fits into a slab');
    let slab = this.#tail;
    if (slab === null || slab.lent || slab.capacity - slab.end < length) slab = this.#freshTail();
    this.reserved = slab.end;
    slab.end += length;
    this.length += length;
    return slab;
  }

  /** These leave with the byte behind the first `at`, which waits already. */
  attach(descriptors: readonly number[], at: number): void {
    assert(at < this.length, 'the byte is there');
    assert((this.attachments.at(-1)?.at ?? -1) < at, 'in order, each at a byte of its own');
    this.attachments.push({ at, descriptors });
  }

  /** Forgets those of the first attachment: they have left, or never will. */
  detach(): readonly number[] {
    return this.attachments.shift()?.descriptors ?? none;
  }

  /** Forgets the first `count` bytes: the kernel took them. */
  consume(count: number): void {
    assert(count <= this.length, 'only bytes that wait can be consumed');
    this.length -= count;
    for (const attachment of this.attachments) attachment.at -= count;
    let left = count;
    let slab = this.#head;
    while (slab !== null) {
      const available = slab.end - slab.start;
      if (left < available) {
        slab.start += left;
        return;
      }
      left -= available;
      const next: Slab | null = slab.next;
      this.#release(slab);
      slab = next;
      this.#head = slab;
    }
    this.#tail = null;
  }

  /** Forgets everything; what was attached is detached before. */
  clear(): void {
    assert(this.attachments.length === 0, 'descriptors are closed by whoever holds them');
    let slab = this.#head;
    while (slab !== null) {
      const next: Slab | null = slab.next;
      this.#release(slab);
      slab = next;
    }
    this.#head = null;
    this.#tail = null;
    this.length = 0;
  }

  checkInvariants(): void {
    let sum = 0;
    let last: Slab | null = null;
    for (let slab = this.#head; slab !== null; slab = slab.next) {
      assert(slab.start <= slab.end && slab.end <= slab.capacity, 'start <= end <= capacity');
      assert(slab.references > 0, 'a queued slab is held');
      sum += slab.end - slab.start;
      last = slab;
    }
    assert(sum === this.length, `length ${this.length} is the sum of the slabs, ${sum}`);
    assert(last === this.#tail, 'the tail is the last slab');
  }
}
