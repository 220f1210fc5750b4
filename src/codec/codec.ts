/**
 * Bytes <-> frames, without I/O. A codec sees the bytes of one connection through `FrameSource`.
 * Every stream connection implements it, and a test can implement it with an array.
 */

/** The received bytes of a connection, for a decoder. Its views are lent, as frames are. */
export interface FrameSource {
  /** The program's value for this connection; a stateful codec may keep its state here. */
  context: unknown;
  /** The number of bytes received and not consumed yet. */
  bufferLength(): number;
  /** Returns all available bytes in one piece, without consuming them. */
  read(): Buffer;
  /**
   * Returns the first `n` available bytes in one piece, without consuming them; everything if `n`
   * is not in 1..bufferLength().
   */
  readN(n: number): Buffer;
  /**
   * Consumes `n` bytes and returns how many it consumed: none for 0, everything if `n` is negative
   * or larger than the number of bytes.
   */
  shiftN(n: number): number;
  /** Consumes everything. */
  resetBuffer(): void;
  /**
   * Returns the first `n` available bytes in one piece, without consuming them; all bytes without
   * `n` or if `n` is not above 0. `null` if there are fewer than `n`.
   */
  peek(n?: number): Buffer | null;
  /** Returns the same bytes as `peek` and consumes them. */
  next(n?: number): Buffer | null;
  /** Consumes `n` bytes, or as many as there are; all without `n`. Returns how many it consumed. */
  discard(n?: number): number;
  /** Another name for `bufferLength`. */
  inboundBuffered(): number;
  /** The available byte at `offset`, which must be in 0..bufferLength()-1. Consumes nothing. */
  byteAt(offset: number): number;
  /**
   * The offset of the first `byte` at or after `from`, or -1. Counts the bytes that it searched, so that a
   * test can show that no byte is searched twice.
   */
  indexOfByte(byte: number, from: number): number;
  /**
   * The decoder's own note of how many of the available bytes it has searched without finding a frame.
   * The connection sets it to 0 whenever bytes are consumed.
   */
  scanned: number;
  /**
   * State of a stateful decoder, one value per connection, `undefined` at first. Built-in codecs
   * store here that they are discarding an oversized frame; the user's `context` is separate.
   */
  codecState: unknown;
}

/** The target of an encoder that only adds bytes before or after a payload. */
export interface FrameSink {
  /**
   * Writes `prefixLength` bytes, then `payload`, then `suffix`, without building a buffer of all
   * three. A payload that is the received frame itself is not copied. The encoder must fill the
   * prefix, `bytes[offset..offset + prefixLength]`, before it returns; the prefix is not cleared.
   */
  wrap(prefixLength: number, payload: Uint8Array, suffix: Uint8Array | null): void;
  readonly bytes: Buffer;
  readonly offset: number;
}

/**
 * A codec; `Frame` is the type of its frames. One instance serves all connections of a loop, so it
 * must not store anything about a connection in its own fields. Store that in `c.codecState` or
 * `c.context`, or make the `codec` option a function that returns one instance per connection.
 */
export interface ICodec<Frame = Buffer> {
  /**
   * Returns the bytes to send for one reply. May return `buf` itself if it adds nothing. @throws a
   * `GnetError` if it cannot encode `buf`; the connection sends the earlier replies and closes with
   * this error.
   */
  encode(c: FrameSource, buf: Uint8Array): Uint8Array;
  /**
   * Consumes the next frame from `c` and returns it; an empty frame is a frame. Returns `null` if
   * there are not enough bytes yet. `react` gets the returned value: bytes, or anything else except
   * `null` and `undefined`. Views of received bytes inside an object are lent like a frame of
   * bytes. @throws a `GnetError` if the stream is corrupt; the connection closes with it.
   */
  decode(c: FrameSource): Frame | null;
  /**
   * Optional; gnet uses it instead of `encode`. For codecs that add a known number of bytes to the
   * payload: it saves an allocation and a copy per frame. Must call `sink.wrap` exactly once, after
   * all checks.
   */
  encodeInto?(c: FrameSource, buf: Uint8Array, sink: FrameSink): void;
  /**
   * Optional: true if `encode` makes the same bytes of a payload for every connection and does not
   * change them later. gnet then encodes what `prepare` made once for all connections of this codec.
   */
  readonly sharesEncoding?: boolean;
}

/** Whether a codec still encodes as `own` does: a subclass may encode for each connection. */
export function encodesAs(codec: ICodec<unknown>, own: ICodec<unknown>): boolean {
  return codec.encode === own.encode && codec.encodeInto === own.encodeInto;
}

/** One codec for all connections, or a function that makes one for each. */
export type CodecOption<Frame = Buffer> = ICodec<Frame> | (() => ICodec<Frame>);
