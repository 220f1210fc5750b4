import { Fifo } from '../../base/fifo.ts';
import type { DriverCounters } from '../contract.ts';
import { noMemory } from '../native/errno-sets.ts';
import type { MemoryRest } from '../native/memory-rest.ts';
import type { Stream } from './stream.ts';
import { receiveFed, receiveStarved } from './stream-transitions.ts';

/** Streams whose receive found no buffer or no memory, in the order in which they try again. */
export class StarvedStreams {
  readonly #counters: DriverCounters;
  readonly #rest: MemoryRest;
  readonly #due = new Fifo<Stream>();
  /** Bytes that had been received when one was fed last. */
  #bytesWhenFed = -1;
  /** How many there were. */
  total = 0;

  constructor(counters: DriverCounters, rest: MemoryRest) {
    this.#counters = counters;
    this.#rest = rest;
  }

  /** Where others got what this one lacks, its turn comes soon; where nobody did, asking is in vain. */
  add(stream: Stream, errno: number): void {
    this.total++;
    receiveStarved(stream);
    const inVain = errno === noMemory || this.#counters.bytesReceived === this.#bytesWhenFed;
    if (inVain) this.#rest.later(() => this.#due.push(stream));
    else this.#due.push(stream);
  }

  /** Some try again in the next wait. */
  get areDue(): boolean {
    return this.#due.length > 0;
  }

  /** The next one that may try again. */
  feed(): Stream | undefined {
    const stream = this.#due.shift();
    if (stream === undefined) return undefined;
    this.#bytesWhenFed = this.#counters.bytesReceived;
    receiveFed(stream);
    return stream;
  }

  clear(): void {
    while (this.#due.length > 0) this.#due.shift();
  }
}
