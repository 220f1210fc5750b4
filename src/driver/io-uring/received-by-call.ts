import type { PassedDescriptors } from '../native/passed-descriptors.ts';
import { noMemory } from '../native/errno-sets.ts';
import { ReadSlab } from '../native/read-slab.ts';
import type { DriverCounters, DriverEvents, DriverSettings } from '../contract.ts';
import type { Stream } from './stream.ts';

/**
 * Receives of streams that take descriptors: by a call once the ring says that there is something. A
 * multishot receive has no room for control messages, and the kernel closes what came in them.
 */
export class ReceivedByCall {
  readonly #settings: DriverSettings;
  readonly #passed: PassedDescriptors;
  readonly #events: DriverEvents;
  readonly #counters: DriverCounters;
  /** Made for the first of them. */
  #read: ReadSlab | null = null;

  constructor(
    settings: DriverSettings,
    passed: PassedDescriptors,
    events: DriverEvents,
    counters: DriverCounters,
  ) {
    this.#settings = settings;
    this.#passed = passed;
    this.#events = events;
    this.#counters = counters;
  }

  /** Reports what has arrived. Returns the bytes, 0 at the peer's end, or minus an errno. */
  receive({ descriptor, slot, generation }: Stream): number {
    this.#read ??= new ReadSlab(this.#settings);
    const read = this.#read;
    if (read.isLent && !read.renew()) return -noMemory;
    const { slab, start, byteLength } = read;
    const count = this.#passed.receive(descriptor, slot, read.address, byteLength);
    if (count <= 0) return count;
    this.#counters.bytesReceived += count;
    slab.floor = 0;
    this.#events.received(slot, generation, slab, start, start + count);
    return count;
  }

  release(): void {
    this.#read?.release();
    this.#read = null;
  }
}
