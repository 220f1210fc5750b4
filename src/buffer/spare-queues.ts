import { assert } from '../base/assert.ts';
import { outboundSlabBytes } from '../base/limits.ts';
import { OutboundQueue } from './outbound-queue.ts';
import type { SlabPool } from './slab.ts';

/** Queues kept for the next connection that needs one. */
const sparesMax = 256;

/** Outbound queues of a loop: those that are empty again are lent to the next connection. */
export class SpareQueues {
  readonly #pool: SlabPool;
  readonly #spares: OutboundQueue[] = [];

  /** @param slabBytes of one piece of a queue. */
  constructor(
    slabs: { slabPool(slabBytes: number): SlabPool },
    slabBytes: number = outboundSlabBytes,
  ) {
    this.#pool = slabs.slabPool(slabBytes);
  }

  take(): OutboundQueue {
    return this.#spares.pop() ?? new OutboundQueue(this.#pool);
  }

  give(queue: OutboundQueue): void {
    assert(queue.length === 0, 'a queue is given back empty');
    if (this.#spares.length < sparesMax) this.#spares.push(queue);
  }
}
