/** What is true of a transport of either engine; bits of one number. Each has further ones of its own. */
export const commonMarks = {
  /** The receiver waits for `writable`. */
  awaited: 1,
  /** Our side ends as soon as everything is out. */
  shutdownDue: 2,
  /** The receiver knows of the peer's end. */
  endTold: 4,
  /** The receiver knows that the session has failed. */
  failureTold: 8,
  closed: 16,
  /** The kernel refused bytes, and the receiver has not heard of `writable` since. */
  refused: 32,
  /** The receiver wants nothing: an end, or a failure, waits as well. */
  paused: 64,
} as const;
