import type { Slab, SlabPool } from '../buffer/slab.ts';
import type { Prepared } from './prepared.ts';

/** Bytes that many connections are about to send, in memory that the kernel may be shown. */
export class SharedBytes {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;

  constructor(slab: Slab, start: number, end: number) {
    this.slab = slab;
    this.start = start;
    this.end = end;
  }

  get length(): number {
    return this.end - this.start;
  }
}

/**
 * Prepared bytes that wait for the end of the turn, one entry for each connection: a message to ten
 * thousand connections is copied once, and none of them needs a queue.
 */
export class SharedSends {
  readonly #pool: SlabPool;
  /** Where bytes are copied to, and how far it is used. */
  #slab: Slab | null = null;
  #used = 0;
  /** What was copied last, which the next connection most likely sends, too. */
  #source: Prepared | null = null;
  #sourceBytes: Uint8Array | null = null;
  #shared: SharedBytes | null = null;
  readonly #waiting: (SharedBytes | null)[] = [];

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /**
   * Has what a codec made of `source` wait for the connection of that slot. The bytes alone do not say
   * that they are those of before: a codec may use its memory again. @throws SyscallError ENOMEM.
   */
  add(slot: number, source: Prepared, bytes: Uint8Array): void {
    const isSame = source === this.#source && bytes === this.#sourceBytes;
    const shared = isSame ? (this.#shared as SharedBytes) : this.#copy(source, bytes);
    shared.slab.home.retain(shared.slab);
    this.#waiting[slot] = shared;
  }

  #copy(source: Prepared, bytes: Uint8Array): SharedBytes {
    const { length } = bytes;
    let slab = this.#slab;
    // Everybody has sent what was in it.
    if (slab !== null && slab.references === 1) this.#used = 0;
    if (slab === null || slab.capacity - this.#used < length) {
      const fresh = this.#pool.take();
      if (slab !== null) this.#pool.release(slab);
      this.#used = 0;
      slab = fresh;
      this.#slab = slab;
    }
    const start = this.#used;
    slab.bytes.set(bytes, start);
    this.#used = start + length;
    this.#source = source;
    this.#sourceBytes = bytes;
    this.#shared = new SharedBytes(slab, start, this.#used);
    return this.#shared;
  }

  /** Bytes that wait for a slot that has some. */
  lengthOf(slot: number): number {
    return (this.#waiting[slot] as SharedBytes).length;
  }

  /** They wait no longer; the caller releases their slab. */
  take(slot: number): SharedBytes {
    const shared = this.#waiting[slot] as SharedBytes;
    this.#waiting[slot] = null;
    return shared;
  }

  /** The loop ends. */
  close(): void {
    this.#source = null;
    this.#sourceBytes = null;
    if (this.#slab !== null) this.#pool.release(this.#slab);
    this.#slab = null;
  }
}
