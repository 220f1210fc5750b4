/** What may go wrong in a simulated network: probabilities of 0 to 1, unless said otherwise. */
export interface SimulatedFaults {
  /** A write arrives in several pieces. */
  readonly split: number;
  /** A piece arrives this many turns later, at most. */
  readonly delayTurnsMax: number;
  /** A send takes fewer bytes than there is room for, perhaps none. */
  readonly shortSend: number;
  /** A connection that is ready is left for a later turn. */
  readonly laterEvent: number;
  /** An accept fails for lack of descriptors, and the listener rests. */
  readonly acceptRefusal: number;
  /** An outgoing connection is refused. */
  readonly connectRefusal: number;
  /** Per connection and turn: the network breaks the connection. */
  readonly reset: number;
  /** A datagram is lost on its way. */
  readonly datagramLoss: number;
  /** The system refuses to send a datagram. */
  readonly datagramRefusal: number;
  /** There is no memory to keep what could not be sent at once: the connection fails with ENOMEM. */
  readonly noMemory: number;
}

/** Everything arrives, whole and at once. */
export const noFaults: SimulatedFaults = {
  split: 0,
  delayTurnsMax: 0,
  shortSend: 0,
  laterEvent: 0,
  acceptRefusal: 0,
  connectRefusal: 0,
  reset: 0,
  datagramLoss: 0,
  datagramRefusal: 0,
  noMemory: 0,
};

/** A bad line that loses nothing: every program must bear it without noticing. */
export const roughFaults: SimulatedFaults = {
  ...noFaults,
  split: 0.5,
  delayTurnsMax: 3,
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
