/** What may go wrong in a simulated network, each a probability of 0..1 unless said otherwise. */
export interface SimulatedFaults {
  /** A write arrives in several pieces. */
  readonly split: number;
  /** A piece arrives this many waits later, at most. */
  readonly delayWaitsMax: number;
  /** A send takes fewer bytes than there is room for, perhaps none. */
  readonly shortSend: number;
  /** A ready source is left for a later wait. */
  readonly laterEvent: number;
  /** An accept fails for lack of descriptors, and the listener rests. */
  readonly acceptRefusal: number;
  /** An outgoing connection is refused. */
  readonly connectRefusal: number;
  /** Per stream and wait: the network breaks the connection. */
  readonly reset: number;
  /** A datagram is lost on its way. */
  readonly datagramLoss: number;
  /** `sendDatagram` is refused. */
  readonly datagramRefusal: number;
}

/** Everything arrives, whole and at once. */
export const noFaults: SimulatedFaults = {
  split: 0,
  delayWaitsMax: 0,
  shortSend: 0,
  laterEvent: 0,
  acceptRefusal: 0,
  connectRefusal: 0,
  reset: 0,
  datagramLoss: 0,
  datagramRefusal: 0,
};

/** A bad line that loses nothing: what every program on top must bear without noticing. */
export const roughFaults: SimulatedFaults = {
  ...noFaults,
  split: 0.5,
  delayWaitsMax: 3,
  shortSend: 0.3,
  laterEvent: 0.2,
};

/** The time of a simulation, in milliseconds; it passes only when somebody says so. */
export class SimulatedClock {
  now = 0;

  advance(milliseconds: number): void {
    this.now += milliseconds;
  }
}
