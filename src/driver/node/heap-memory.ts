import { markAsUntransferable } from 'node:worker_threads';
import { type RegionAllocator, SlabPool } from '../../buffer/slab.ts';

/** Memory of JavaScript: no kernel call of ours sees it, so it needs no address. */
const heapAllocator: RegionAllocator = {
  allocate(byteLength) {
    const buffer = new ArrayBuffer(byteLength);
    markAsUntransferable(buffer);
    return { address: null, buffer };
  },
};

const pools = new Map<number, SlabPool>();

/** This thread's pool of heap slabs of that size, one for all loops of the thread. */
export function heapSlabPool(slabBytes: number): SlabPool {
  let pool = pools.get(slabBytes);
  if (pool === undefined) {
    pool = new SlabPool(slabBytes, heapAllocator);
    pools.set(slabBytes, pool);
  }
  return pool;
}
