/** The settings that a program may change for one connection. */

/** Time limits of one connection in milliseconds, 0 to 2^31-1; 0 turns a limit off. */
export interface Timeouts {
  /**
   * Closes with `ErrTimeout` when nothing was received or written for this long, and no output is
   * on its way to a slow reader.
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Closes with `ErrTimeout` when nothing was received for this long, even if output was written.
   * It counts only while the connection reads: not while reading is paused or a promise of `react`
   * is pending.
   */
  readonly readTimeout?: number | undefined;
  /** Closes with `ErrTimeout` when the peer took none of the pending output for this long. */
  readonly writeTimeout?: number | undefined;
  /**
   * How long a closing connection waits for a peer that takes nothing, and then for the peer's end.
   * If the peer has not taken all bytes by then, the connection closes with `ErrTimeout`.
   */
  readonly closeTimeout?: number | undefined;
}

/** Probes for a peer that has silently disappeared; members that you leave out do not change. */
export interface KeepAliveTimes {
  /** Milliseconds without traffic until the first probe, rounded up to whole seconds. */
  readonly idle?: number;
  /** Milliseconds between probes, rounded up to whole seconds. */
  readonly interval?: number;
  /** Probes without an answer after which the connection is dead: 1 to 127. */
  readonly count?: number;
}

/** Watermarks and half-open of one connection; each member means the same as the option of `serve`. */
export interface Flow {
  /** A write returns false while more bytes than this are pending. */
  readonly highWaterMark?: number | undefined;
  /** `onDrain` follows at this many pending bytes. Default: at most a quarter of a new `highWaterMark`. */
  readonly lowWaterMark?: number | undefined;
  /** More pending bytes close the connection with `ErrOutboundOverflow`. */
  readonly maxOutboundBytes?: number | undefined;
  /** What happens above `highWaterMark`. */
  readonly overflow?: 'pause' | 'close' | 'none' | undefined;
  /** Keeps the connection open for writing after the peer has ended its side. */
  readonly allowHalfOpen?: boolean | undefined;
}
