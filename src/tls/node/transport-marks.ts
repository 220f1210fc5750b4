/** What is true of a transport of `node:tls`; bits of one number. */
export const mark = {
  /** The receiver waits for `writable`. */
  awaited: 1,
  /** Our side ends as soon as everything is out. */
  shutdownDue: 2,
  /** The receiver knows of the peer's end. */
  endTold: 4,
  /** The receiver knows that the session has failed. */
  failureTold: 8,
  closed: 16,
  /** The transport below has ended. */
  endDue: 32,
  paused: 64,
  /** A turn in which what rests is delivered is asked for. */
  scheduled: 128,
  /** The kernel refused bytes, and the receiver has not heard of `writable` since. */
  refused: 256,
  /** close_notify has come. */
  endCame: 512,
  /** The socket is given ciphertext: what it tells is heard when it is done with that. */
  feeding: 1_024,
  /** The handshake is over, and the receiver does not know. */
  openDue: 2_048,
  /** The receiver knows that the session is open. */
  openTold: 4_096,
} as const;
