import type { Slab, SlabPool } from '../../buffer/slab.ts';
import { type Address, addressAt } from '../../ffi/index.ts';
import type { DriverSettings } from '../contract.ts';
import { nativeSlabPool, takeIfPossible } from './native-memory.ts';

/**
 * The memory that a driver reads into and lends. While it is held, another slab takes its place.
 */
export class ReadSlab {
  /** Where a read begins in it, and how long it may be. */
  readonly start: number;
  readonly byteLength: number;
  readonly #pool: SlabPool;
  slab: Slab;
  /** Of `start`. */
  address: Address;

  /** @throws SyscallError ENOMEM. */
  constructor({ headroomBytes, readBufferBytes }: DriverSettings) {
    this.start = headroomBytes;
    this.byteLength = readBufferBytes;
    this.#pool = nativeSlabPool(headroomBytes + readBufferBytes);
    this.slab = this.#pool.take();
    this.address = addressAt(this.slab.address as Address, headroomBytes);
  }

  get isLent(): boolean {
    return this.slab.references !== 1 || this.slab.detached;
  }

  /** False when there is no memory for another one. */
  renew(): boolean {
    const slab = takeIfPossible(this.#pool);
    if (slab === null) return false;
    this.#pool.release(this.slab);
    this.slab = slab;
    this.address = addressAt(slab.address as Address, this.start);
    return true;
  }

  release(): void {
    this.#pool.release(this.slab);
  }
}
