/** What is true of a transport of OpenSSL's; bits of one number. */
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
  /** The kernel refused bytes, and the receiver has not heard of `writable` since. */
  refused: 32,
  /** The receiver wants nothing: an end, or a failure, waits as well. */
  paused: 64,
  /** There was no memory for what came or was to leave: nothing may follow what did. */
  cut: 128,
} as const;
