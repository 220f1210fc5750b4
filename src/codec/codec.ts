/**
 * Bytes <-> frames, without I/O. A codec sees the bytes of one connection through `FrameSource`,
 * which every stream connection meets and which a test can meet with an array.
 */

/** What a decoder may read, and how far it got. The views are lent, as frames are. */
export interface FrameSource {
  /** Any value the program keeps for this connection; a stateful codec may keep its state here. */
  context: unknown;
  /** Bytes that were received and not consumed yet. */
  bufferLength(): number;
  /** All available bytes in one piece, not consumed. */
  read(): Buffer;
  /**
   * The first `n` available bytes in one piece, not consumed; everything when `n` is not in
   * 1..bufferLength().
   */
  readN(n: number): Buffer;
  /**
   * Consumes `n` bytes and returns how many were consumed: none for 0, everything when `n` is
   * negative or more than there is.
   */
  shiftN(n: number): number;
  /** Consumes everything. */
  resetBuffer(): void;
  /**
   * The first `n` available bytes in one piece, not consumed; all of them without `n`, and when it is
   * not above 0. `null` when there are fewer than `n`.
   */
  peek(n?: number): Buffer | null;
  /** As `peek`, and consumes them. */
  next(n?: number): Buffer | null;
  /** Consumes `n` bytes, or as many as there are; all of them without `n`. Says how many it took. */
  discard(n?: number): number;
  /** Another name of `bufferLength`. */
  inboundBuffered(): number;
  /** The available byte at `offset`, which must be in 0..bufferLength()-1; nothing is consumed. */
  byteAt(offset: number): number;
  /**
   * Offset of the first `byte` at or after `from`, or -1. Counts the bytes it looked at, so that a
   * test can show that nothing is searched twice.
   */
  indexOfByte(byte: number, from: number): number;
  /**
   * A note of the decoder to itself: how many of the available bytes hold no frame.
   * Set to 0 by the connection whenever bytes are consumed.
   */
  scanned: number;
  /**
   * State of a stateful decoder, one value per connection, `undefined` at first: built-in codecs
   * keep "discarding the rest of an oversized frame" here, apart from the user's `context`.
   */
  codecState: unknown;
}

/** Where an encoder that only adds bytes in front of a payload or behind it may put them. */
export interface FrameSink {
  /**
   * Takes `prefixLength` bytes, then `payload`, then `suffix`, without making a buffer of their own:
   * a payload that is the frame just received stays where it stands. The prefix is lent as
   * `bytes[offset..offset + prefixLength]`, to be filled before the encoder returns; it is not
   * cleared.
   */
  wrap(prefixLength: number, payload: Uint8Array, suffix: Uint8Array | null): void;
  readonly bytes: Buffer;
  readonly offset: number;
}

/**
 * A codec; `Frame` is what it cuts the stream into. One instance serves all connections of a loop, so
 * it keeps no state of its own about a connection: that goes to `c.codecState` or `c.context`, or the
 * `codec` option is a factory that makes one instance per connection.
 */
export interface ICodec<Frame = Buffer> {
  /**
   * The bytes to send for one reply. May return `buf` itself when nothing is added.
   * @throws a `GnetError` when `buf` cannot be encoded; the connection closes with it, after the
   * replies before it have been sent.
   */
  encode(c: FrameSource, buf: Uint8Array): Uint8Array;
  /**
   * The next frame, consumed from `c`; an empty frame is a frame. `null`: not enough bytes yet.
   * `react` gets what this returns: bytes, or any other value but `null` and `undefined`. Views of
   * received bytes inside an object are lent like a frame of bytes.
   * @throws a `GnetError` when the stream is corrupt; the connection closes with it.
   */
  decode(c: FrameSource): Frame | null;
  /**
   * Optional, instead of `encode`, for codecs that add a known number of bytes to the payload: saves
   * an allocation and a copy per frame. Must call `sink.wrap` exactly once, after every check.
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
