import { isMemoryLack } from '../../base/memory-lack.ts';
import { type Region, type RegionAllocator, type Slab, SlabPool } from '../../buffer/slab.ts';
import type { Address } from '../../ffi/index.ts';
import { discardMemory, makeExecutable, mapMemory } from '../../syscall/memory.ts';

export const nativeAllocator: RegionAllocator = {
  allocate: (byteLength) => mapMemory(byteLength),
  discard: (region: Region) => discardMemory(region.address as Address, region.buffer.byteLength),
};

/**
 * From now on C may call what stands in the region, and nobody may write to it. False where the system
 * does not allow that.
 */
export function makeCode(region: Region): boolean {
  return makeExecutable(region.address as Address, region.buffer.byteLength);
}

const pools = new Map<number, SlabPool>();

/**
 * This thread's pool of native slabs of that size. One for all loops of the thread, so that starting
 * and stopping servers uses the same memory again.
 */
export function nativeSlabPool(slabBytes: number): SlabPool {
  let pool = pools.get(slabBytes);
  if (pool === undefined) {
    pool = new SlabPool(slabBytes, nativeAllocator);
    pools.set(slabBytes, pool);
  }
  return pool;
}

/** For those who can do without: null when there is no memory. */
export function takeIfPossible(pool: SlabPool): Slab | null {
  try {
    return pool.take();
  } catch (error) {
    if (isMemoryLack(error)) return null;
    throw error;
  }
}
