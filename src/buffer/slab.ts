import { assert } from '../base/assert.ts';

/**
 * The address of native memory as the runtime's FFI wants it: a `bigint` on Node and Deno, a number
 * elsewhere; `null` for memory no kernel call will see. Only `ffi/` makes and computes addresses.
 */
export type SlabAddress = bigint | number | null;

/**
 * Memory a slab is made of: never moves, never unmapped while a view of it may be alive. Whoever
 * allocates it also keeps programs from transferring it to another thread, where that is possible.
 */
export interface Region {
  readonly address: SlabAddress;
  readonly buffer: ArrayBuffer;
}

export interface RegionAllocator {
  allocate(byteLength: number): Region;
  /**
   * Gives the pages back to the system; the region stays usable and reads as anything. Absent where
   * regions are collected like any object: then they are thrown away instead.
   */
  discard?(region: Region): void;
}

/**
 * What `Buffer.prototype.subarray` makes, without its detour through the memory's getter: half the
 * cost of a view (measured: 37 ns and 69 ns).
 */
type BufferConstructor = new (memory: ArrayBuffer, byteOffset: number, length: number) => Buffer;
const FastBuffer = (Buffer as unknown as { [Symbol.species]?: BufferConstructor })[Symbol.species];

/** Makes views of a slab's memory. */
const viewOf: (slab: Slab, start: number, end: number) => Buffer =
  FastBuffer === undefined
    ? (slab, start, end) => slab.bytes.subarray(start, end)
    : (slab, start, end) => new FastBuffer(slab.buffer, start, end - start);

/** Whose memory it is. */
const slabs = new WeakMap<ArrayBufferLike, Slab>();

/** The slab that contains the bytes, if any. */
export function slabOf(bytes: Uint8Array): Slab | undefined {
  return slabs.get(bytes.buffer);
}

/**
 * A piece of memory the kernel reads into or writes from, with a count of who still needs it.
 *
 *   0        floor             start        end              capacity
 *   |  others' |  free headroom  |  received  |     free         |
 *
 * The pool owns a slab with no references; its taker holds the first one.
 */
export class Slab implements Region {
  readonly address: SlabAddress;
  /** Its two halves as signed 32-bit numbers, for kernel structures that are filled word by word. */
  readonly addressLow: number;
  readonly addressHigh: number;
  /** The pool that gets it back after the last reference, even if another pool releases it. */
  readonly home: SlabPool;
  readonly capacity: number;
  /** All of it. Length 0 when user code detached the memory: such a slab is thrown away. */
  readonly bytes: Buffer;
  readonly buffer: ArrayBuffer;
  /** First byte that the receiver of data may overwrite in front of it. */
  floor = 0;
  references = 0;
  /**
   * For the one queue that has the slab (`outbound-queue.ts`): bytes start..end, and what follows.
   */
  start = 0;
  end = 0;
  next: Slab | null = null;
  /** It was received into, and waits in that queue: what stands behind `end` is not the queue's. */
  lent = false;

  constructor(region: Region, home: SlabPool) {
    const address = BigInt(region.address ?? 0);
    this.address = region.address;
    this.addressLow = Number(BigInt.asIntN(32, address));
    this.addressHigh = Number(BigInt.asIntN(32, address >> 32n));
    this.home = home;
    this.buffer = region.buffer;
    this.capacity = region.buffer.byteLength;
    this.bytes = Buffer.from(region.buffer);
    slabs.set(region.buffer, this);
  }

  #view: Buffer | null = null;
  #viewStart = 0;
  #viewEnd = 0;

  /** A fresh view of bytes `start..end`. */
  freshView(start: number, end: number): Buffer {
    return viewOf(this, start, end);
  }

  /**
   * A view of bytes `start..end`: the same object as the last time when the bounds are the same. For
   * frames, which are lent for a while only: messages of one size then cost no allocation.
   */
  view(start: number, end: number): Buffer {
    let view = this.#view;
    if (view === null || start !== this.#viewStart || end !== this.#viewEnd) {
      view = viewOf(this, start, end);
      this.#view = view;
      this.#viewStart = start;
      this.#viewEnd = end;
    }
    return view;
  }

  get detached(): boolean {
    return this.bytes.length === 0;
  }
}

/**
 * Free slabs beyond this many give their pages back: a burst must not be paid for for ever. No fewer
 * than the connections that may hold one in one turn: giving pages back and faulting them in again
 * took a sixth of the time of a proxy with 100 connections.
 */
const warmSlabsMax = 256;

/**
 * Slabs of one size. Given-back slabs are used again, newest first (warm caches); memory is never
 * unmapped, because a program may still hold an expired view of it: reading that is a bug of the
 * program and must not become a crash.
 */
export class SlabPool {
  readonly slabBytes: number;
  readonly #allocator: RegionAllocator;
  readonly #free: Slab[] = [];
  /** Slabs that were made and not thrown away. */
  made = 0;

  constructor(slabBytes: number, allocator: RegionAllocator) {
    this.slabBytes = slabBytes;
    this.#allocator = allocator;
  }

  get free(): number {
    return this.#free.length;
  }

  /** A slab with one reference: the taker's. */
  take(): Slab {
    let slab = this.#free.pop();
    while (slab?.detached) {
      this.made--;
      slab = this.#free.pop();
    }
    if (slab === undefined) {
      slab = new Slab(this.#allocator.allocate(this.slabBytes), this);
      this.made++;
    }
    slab.references = 1;
    slab.floor = 0;
    return slab;
  }

  retain(slab: Slab): void {
    assert(slab.references > 0, 'a slab is retained by someone who holds it');
    slab.references++;
  }

  release(slab: Slab): void {
    assert(slab.references > 0, 'a slab is released once per reference');
    if (--slab.references === 0) slab.home.#putBack(slab);
  }

  #putBack(slab: Slab): void {
    if (this.#free.length >= warmSlabsMax) {
      if (this.#allocator.discard === undefined) {
        this.made--;
        return;
      }
      this.#allocator.discard(slab);
    }
    this.#free.push(slab);
  }
}
