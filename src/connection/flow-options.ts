/** What a connection may have of its own; each means the same as the option of `serve`. */
export interface Flow {
  /** Pending bytes from which on a write returns false. */
  readonly highWaterMark?: number | undefined;
  /** Pending bytes at which `onDrain` follows; left out, at most a quarter of a new `highWaterMark`. */
  readonly lowWaterMark?: number | undefined;
  /** Pending bytes above which the connection is closed with `ErrOutboundOverflow`. */
  readonly maxOutboundBytes?: number | undefined;
  /** What happens above `highWaterMark`. */
  readonly overflow?: 'pause' | 'close' | 'none' | undefined;
  /** It stays open for writing when the peer has ended its side. */
  readonly allowHalfOpen?: boolean | undefined;
}
