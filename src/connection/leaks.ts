/** What the rest of the package sees of the leak detection: `leak-watch.ts` has what it does. */
import type { Origin } from '../base/origin.ts';
import type { Conn } from './conn.ts';

export type LeakKind = 'frame' | 'promise' | 'connection' | 'pause' | 'descriptor';

/** Goes to the threads of loops as it is. */
export interface LeakSettings {
  /** One thing of so many is followed, on average. */
  readonly every: number;
  /** Milliseconds. */
  readonly after: number;
}

/** Says whether something is still in use: a number that changes while it is; -1: it is gone. */
export type Activity = () => number;

export interface Held {
  readonly kind: LeakKind;
  /** Undefined for `tick`. */
  readonly connection: Conn | undefined;
  readonly details: object;
  readonly origin: Origin;
  readonly activity: Activity | null;
  seen: number;
  since: number;
}

export interface MovingConn extends Conn {
  /** It is on its way to its end, or there already. */
  readonly hasLeft: boolean;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** Of a loop whose program has asked for it. */
export interface Leaks {
  /** A frame is retained; null: this one is not followed. */
  retained(c: Conn, bytes: number): Held | null;
  release(held: Held | null): void;
  /** A connection that the program has dialled: held while it is open and no byte moves. */
  dialled(c: MovingConn, origin: Origin): void;
  paused(c: MovingConn): void;
  resumed(c: Conn): void;
  /** The program owns this descriptor now; returns it. */
  gave(c: Conn, descriptor: number): number;
}
