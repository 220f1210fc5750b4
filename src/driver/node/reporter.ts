import type { Slab } from '../../buffer/slab.ts';
import type { DriverCounters, DriverEvents } from '../contract.ts';
import type { HalfOpenStreams } from './half-open.ts';

/** Something that has events for the loop: a stream, a listener, a datagram endpoint. */
export interface Reporter {
  /** Waits for its turn already. */
  queued: boolean;
  /** Reports a bounded number of events and returns it; queues itself again for the rest. */
  report(): number;
}

/** What the parts of the driver share. */
export interface ReporterOwner {
  readonly events: DriverEvents;
  readonly counters: DriverCounters;
  readonly halfOpen: HalfOpenStreams;
  readonly headroomBytes: number;
  /** Bytes of one `received` or `datagram`. */
  readonly readBytes: number;
  /** As of the settings of a driver. */
  readonly tellsDatagramErrors: boolean;
  /** Gives it a turn in the next `wait`, and asks for that `wait`. */
  enqueue(reporter: Reporter): void;
  /** The slab that received bytes are copied into; it has no other reference. */
  readSlab(): Slab;
}
