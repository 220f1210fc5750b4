import { type Slab, SlabPool } from '../../buffer/slab.ts';
import { ioUringConstants as numbers, ioUringLayouts } from '../../platform/linux-io-uring.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { registerBufferRing, unregisterBufferRing } from '../../syscall/linux/io-uring.ts';
import { mapMemory, type NativeMemory } from '../../syscall/memory.ts';
import { nativeAllocator, nativeSlabPool, takeIfPossible } from '../native/native-memory.ts';
import { bufferGroup } from './operations.ts';
import type { Ring } from './ring.ts';
import type { KeptBytes } from './stream.ts';

const { fields, size } = ioUringLayouts.buf;
const entryWords = size / 4;
const lengthWord = fields.len.offset / 4;
/** Number of the buffer, and above it, in entry 0 only, the tail of the ring: halves of a word. */
const numberHalf = fields.bid.offset / 2;
const tailHalf = ioUringLayouts.bufRing.fields.tail.offset / 2;
const bufferShift = numbers.IORING_CQE_BUFFER_SHIFT;
const keepsBuffer = numbers.IORING_CQE_F_BUF_MORE;
/** The receive continues, and there is something to receive. */
const goesOn = numbers.IORING_CQE_F_MORE | numbers.IORING_CQE_F_SOCK_NONEMPTY;

/** While slabs are scarce, received bytes are copied to slabs of these sizes. */
const smallCopyBytes = 4_096;

export interface BufferRingShape {
  /** Buffers; a power of two. */
  readonly entries: number;
  /** Bytes of one buffer that the kernel receives into. */
  readonly bufferBytes: number;
  /** Free bytes in front of a buffer. */
  readonly headroomBytes: number;
  /** The kernel fills a buffer bit by bit instead of using it once (6.12). */
  readonly incremental: boolean;
}

interface BufferMemory {
  readonly ring: NativeMemory;
  readonly pool: SlabPool;
}

/** Memory of rings that were closed, for the next ring of that shape: it is never unmapped. */
const spares = new Map<string, BufferMemory[]>();

function keyOf(shape: BufferRingShape): string {
  return `${shape.entries} x ${shape.headroomBytes} + ${shape.bufferBytes}`;
}

function takeMemory(shape: BufferRingShape): BufferMemory {
  const spare = spares.get(keyOf(shape))?.pop();
  if (spare !== undefined) return spare;
  return {
    ring: mapMemory(shape.entries * size),
    pool: new SlabPool(shape.headroomBytes + shape.bufferBytes, nativeAllocator),
  };
}

/**
 * Buffers the kernel picks from when bytes arrive: an idle connection has none. Each is a slab:
 *
 *   0          headroom                                     capacity
 *   |  headroom  | received | received |  the kernel's        |
 *                             ^ lent to the loop; in front of it stand bytes of other streams
 *
 * A buffer that is full is renewed at once: by itself when nobody holds it, else by another slab of
 * the pool, so that the ring is as full after each turn as before it. Slabs others hold (sends under
 * way, frames lent to handlers that wait) are counted; when they are many, `shouldCopy` asks for a few
 * bytes to be lent as copies in smaller slabs, so that neither slow readers nor slow handlers can pin
 * far more memory than they have bytes, and nobody waits for a buffer that will not come.
 */
export class BufferRing {
  readonly #ring: Ring;
  readonly #shape: BufferRingShape;
  readonly #memory: BufferMemory;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #slabs: Slab[] = [];
  /** Bytes of each buffer that were received into. */
  readonly #filled: Int32Array;
  readonly #mask: number;
  #tail = 0;
  /** Buffers the kernel does not have, for lack of memory. */
  readonly #missing: number[] = [];
  /** Where the bytes of the completion at hand are: see `begin`. */
  slab: Slab;
  start = 0;

  /** @throws SyscallError when the kernel refuses such a ring: EINVAL for an incremental one. */
  constructor(ring: Ring, shape: BufferRingShape) {
    this.#ring = ring;
    this.#shape = shape;
    this.#memory = takeMemory(shape);
    this.#words = new Int32Array(this.#memory.ring.buffer);
    this.#halves = new Uint16Array(this.#memory.ring.buffer);
    this.#words.fill(0);
    this.#filled = new Int32Array(shape.entries);
    this.#mask = shape.entries - 1;
    const { address } = this.#memory.ring;
    const { entries, incremental } = shape;
    const { descriptor } = ring.memory;
    const result = registerBufferRing(descriptor, address, entries, bufferGroup, incremental);
    if (result < 0) {
      this.#giveMemory();
      throw syscallError('io_uring_register', -result, 'register a ring of buffers');
    }
    try {
      for (let number = 0; number < entries; number++) this.#slabs.push(this.#memory.pool.take());
    } catch (error) {
      this.close(false);
      throw error;
    }
    for (let number = 0; number < entries; number++) this.#provide(number);
    this.#publish();
    this.slab = this.#slabs[0] as Slab;
  }

  /**
   * The bytes at hand end where their buffer ends, not where the peer's write ended: what follows them
   * comes at the beginning of the next buffer, in front of which there is room for them.
   */
  isCut(flags: number, length: number): boolean {
    const { incremental, headroomBytes } = this.#shape;
    const exhausted = (flags & (keepsBuffer | goesOn)) === goesOn;
    return incremental && exhausted && length <= headroomBytes;
  }

  /** Whether cut bytes can stand in front of the bytes at hand, which follow them. */
  hasRoomInFront(start: number, length: number, count: number): boolean {
    const { headroomBytes, bufferBytes } = this.#shape;
    return start === headroomBytes && length <= headroomBytes && length + count <= bufferBytes;
  }

  /** Buffers of the ring. */
  get count(): number {
    return this.#shape.entries;
  }

  /**
   * So many slabs are held by others that few bytes of one should be lent as a copy. Many bytes need as
   * much memory when they are copied.
   */
  shouldCopy(slab: Slab, length: number): boolean {
    const { pool } = this.#memory;
    const { entries, bufferBytes } = this.#shape;
    if (slab.home !== pool || length * 2 >= bufferBytes) return false;
    return pool.made - pool.free >= 2 * entries;
  }

  /**
   * Finds the bytes of a completion that has IORING_CQE_F_BUFFER: `slab` from `start` on. Every such
   * completion, also one that failed, must be followed by `end`.
   */
  begin(flags: number, count: number): void {
    const number = flags >>> bufferShift;
    const slab = this.#slabs[number] as Slab;
    const filled = this.#filled[number] as number;
    const { headroomBytes } = this.#shape;
    this.slab = slab;
    this.start = headroomBytes + filled;
    this.#filled[number] = filled + count;
    // Only in front of its first bytes is the slab nobody's.
    slab.floor = filled === 0 ? 0 : this.start;
  }

  /** The bytes of the completion were handled. */
  end(flags: number): void {
    if ((flags & keepsBuffer) !== 0) return;
    this.#renew(flags >>> bufferShift);
  }

  /** Buffers that there was no memory for are tried again. */
  renewMissing(): void {
    if (this.#missing.length === 0) return;
    for (const number of this.#missing.splice(0)) this.#renew(number);
  }

  #renew(number: number): void {
    const slab = this.#slabs[number] as Slab;
    const { pool } = this.#memory;
    if (slab.references !== 1 || slab.detached) {
      const fresh = takeIfPossible(pool);
      if (fresh === null) {
        this.#missing.push(number);
        return;
      }
      this.#slabs[number] = fresh;
      pool.release(slab);
    }
    this.#filled[number] = 0;
    this.#provide(number);
    this.#publish();
  }

  #provide(number: number): void {
    const slab = this.#slabs[number] as Slab;
    const at = (this.#tail & this.#mask) * entryWords;
    const low = (slab.addressLow >>> 0) + this.#shape.headroomBytes;
    this.#words[at] = low | 0;
    this.#words[at + 1] = slab.addressHigh + (low >= 2 ** 32 ? 1 : 0);
    this.#words[at + lengthWord] = this.#shape.bufferBytes;
    this.#halves[at * 2 + numberHalf] = number;
    this.#tail = (this.#tail + 1) & 0xffff;
  }

  #publish(): void {
    Atomics.store(this.#halves, tailHalf, this.#tail);
  }

  /**
   * A copy of `slab[start..end]` that nobody else holds, for bytes that may be held for long; null
   * when there is no memory for it.
   */
  copyOf(slab: Slab, start: number, end: number): Slab | null {
    const copy = this.#copyOfLength(end - start);
    if (copy === null) return null;
    copy.bytes.set(slab.bytes.subarray(start, end));
    return copy;
  }

  #copyOfLength(length: number): Slab | null {
    const bytes = length <= smallCopyBytes ? smallCopyBytes : this.#memory.pool.slabBytes;
    return takeIfPossible(nativeSlabPool(bytes));
  }

  /** The kept bytes and those of `slab[start..end]` behind them, or null when that is too long. */
  joined(kept: KeptBytes, slab: Slab, start: number, end: number): Slab | null {
    const length = kept.end - kept.start;
    if (length + end - start > this.#shape.bufferBytes) return null;
    const copy = this.#copyOfLength(length + end - start);
    if (copy === null) return null;
    copy.bytes.set(kept.slab.bytes.subarray(kept.start, kept.end));
    copy.bytes.set(slab.bytes.subarray(start, end), length);
    return copy;
  }

  /** @param abandoned the kernel did not let go of everything: the memory is never used again. */
  close(abandoned: boolean): void {
    // Refused: the kernel has them until the ring is gone, which nobody tells us of.
    const { descriptor } = this.#ring.memory;
    if (abandoned || unregisterBufferRing(descriptor, bufferGroup) !== 0) return;
    for (const slab of this.#slabs.splice(0)) this.#memory.pool.release(slab);
    this.#giveMemory();
  }

  #giveMemory(): void {
    const key = keyOf(this.#shape);
    const list = spares.get(key) ?? [];
    list.push(this.#memory);
    spares.set(key, list);
  }
}
