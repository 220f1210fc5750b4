import type { Conn } from './conn.ts';

/**
 * Is told what becomes of a connection, whichever handler that has at the time: `setHandler` replaces the
 * program's handler, never the follower. It must not throw.
 */
export interface Follower {
  /** It is open; comes before `onOpened`. */
  connectionOpened(c: Conn): void;
  /** The answer of `onOpened`, if there is one, has been taken; what is written now goes behind it. */
  openingAnswered(c: Conn): void;
  /** The peer has ended its side; comes before `onEnd`. */
  peerEnded(): void;
  /** The program closes it. `inOrder`: what is written now still goes out first. */
  programLeaves(c: Conn, inOrder: boolean): void;
  /** It is gone; comes before `onClosed`. `heard`: its peer has sent something. */
  connectionClosed(c: Conn, error: Error | undefined, heard: boolean): void;
}
