import { type Slab, SlabPool } from '../../buffer/slab.ts';
import { type SimulatedNetwork, simulatedError } from './network.ts';

/** What stands in memory whose loan ended: whoever reads it on sees that it is not theirs. */
const expiredByte = 0xdd;

/** Ends the driver's loan of a slab; memory that nobody kept is overwritten. */
export function giveBack(pool: SlabPool, slab: Slab, start: number, end: number): void {
  if (slab.references === 1) slab.bytes.fill(expiredByte, start, end);
  pool.release(slab);
}

const plainMemory = {
  allocate: (byteLength: number) => ({ address: null, buffer: new ArrayBuffer(byteLength) }),
  discard: () => {},
};

/** Slabs of plain memory: nothing in a simulation needs an address. */
export const heapSlabs = (slabBytes: number): SlabPool => new SlabPool(slabBytes, plainMemory);

/** The same, which now and then cannot be had. */
export class SimulatedSlabs extends SlabPool {
  readonly #network: SimulatedNetwork;

  constructor(slabBytes: number, network: SimulatedNetwork) {
    super(slabBytes, plainMemory);
    this.#network = network;
  }

  override take(): Slab {
    if (this.#isOut()) throw simulatedError('ENOMEM', 'mmap', 'get memory');
    return super.take();
  }

  /** For what can wait: null when there is none now. */
  takeOrNull(): Slab | null {
    return this.#isOut() ? null : super.take();
  }

  #isOut(): boolean {
    const { random, faults } = this.#network;
    return random.chance(faults.noMemory);
  }
}
