import { ErrFrameTooLong, ErrInvalidOption } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import type { FrameSource, ICodec } from './codec.ts';
import { checkCodec } from './codec-for.ts';
import { HoldingState, heldBytes } from './holding-state.ts';
import { RingFrameSource } from './ring-frame-source.ts';

const DEFAULT_MAX_BUFFERED = 16 * 1024 * 1024;

export interface ComposeOptions {
  /**
   * Bytes of payloads that may wait for the end of an inner frame, 1 or more; 16 MiB by default. With
   * more the connection closes with `ErrFrameTooLong`. The server's `maxFrameLength` bounds them, too.
   */
  readonly maxBuffered?: number;
}

/**
 * A codec inside another one: `outer` cuts the stream into frames, whose payloads, one behind the
 * other, are the stream that `inner` cuts. An inner frame may lie in one payload beside others, or
 * reach over several. A reply is encoded by `inner`, then by `outer`.
 *
 * Frames have memory of their own: they stay valid after `react`. `c.setCodec` throws `ErrUnsupportedOp`
 * while payloads wait for the end of an inner frame, or for their turn: no other codec could have them.
 *
 * Both keep their state per connection apart from each other: each has a `codecState` of its own. A
 * codec that keeps it in its fields needs one of each per connection:
 * `codec: () => composeCodecs(new A(), new B())`.
 * @throws `ErrInvalidOption` when one is no codec or an option is out of its range.
 */
export function composeCodecs<Frame>(
  outer: ICodec,
  inner: ICodec<Frame>,
  options: ComposeOptions = {},
): ICodec<Frame> {
  const { maxBuffered = DEFAULT_MAX_BUFFERED } = options;
  if (!Number.isSafeInteger(maxBuffered) || maxBuffered < 1) {
    throw new ErrInvalidOption(
      `cannot compose codecs: maxBuffered is ${textOf(maxBuffered)}, expected an integer of 1 or more`,
    );
  }
  return new ComposedCodec(
    checkCodec(outer, 'the outer codec'),
    checkCodec(inner, 'the inner codec'),
    maxBuffered,
  );
}

class ComposedCodec<Frame> implements ICodec<Frame> {
  readonly #outer: ICodec;
  readonly #inner: ICodec<Frame>;
  readonly #maxBuffered: number;

  constructor(outer: ICodec, inner: ICodec<Frame>, maxBuffered: number) {
    this.#outer = outer;
    this.#inner = inner;
    this.#maxBuffered = maxBuffered;
  }

  get sharesEncoding(): boolean {
    return this.#inner.sharesEncoding === true && this.#outer.sharesEncoding === true;
  }

  encode(c: FrameSource, buf: Uint8Array): Uint8Array {
    const sources = sourcesOf(c);
    return this.#outer.encode(sources, this.#inner.encode(sources.payloads, buf));
  }

  /** @throws what either throws; `ErrFrameTooLong` above `maxBuffered`. */
  decode(c: FrameSource): Frame | null {
    const sources = sourcesOf(c);
    const { payloads } = sources;
    for (;;) {
      // Also when nothing is there: a codec may make a frame of nothing but its state.
      const frame = this.#inner.decode(payloads);
      // In the ring of the payloads it would change under whoever keeps it: `retain` knows another one.
      if (frame instanceof Uint8Array) return Buffer.from(frame) as unknown as Frame;
      if (frame !== null) return frame;
      this.#checkWaiting(payloads.bufferLength());
      const payload = this.#outer.decode(sources);
      if (payload === null) return null;
      payloads.feed(payload);
    }
  }

  #checkWaiting(bytes: number): void {
    if (bytes <= this.#maxBuffered) return;
    throw new ErrFrameTooLong(
      `cannot decode a frame: ${bytes} bytes wait for its end, at most ${this.#maxBuffered} are ` +
        'allowed; raise maxBuffered, or limit frames of the inner codec',
    );
  }
}

function sourcesOf(c: FrameSource): OuterSource {
  if (c.codecState instanceof OuterSource) return c.codecState;
  const sources = new OuterSource(c);
  c.codecState = sources;
  return sources;
}

/** The connection as the outer codec sees it: with a `codecState` that is not the composition. */
class OuterSource extends HoldingState implements FrameSource {
  readonly payloads: InnerSource;
  codecState: unknown = undefined;
  readonly #c: FrameSource;

  constructor(c: FrameSource) {
    super();
    this.#c = c;
    this.payloads = new InnerSource(c);
  }

  heldBytes(): number {
    const { payloads } = this;
    return payloads.bufferLength() + heldBytes(payloads.codecState) + heldBytes(this.codecState);
  }

  get context(): unknown {
    return this.#c.context;
  }

  set context(value: unknown) {
    this.#c.context = value;
  }

  get scanned(): number {
    return this.#c.scanned;
  }

  set scanned(value: number) {
    this.#c.scanned = value;
  }

  bufferLength(): number {
    return this.#c.bufferLength();
  }

  read(): Buffer {
    return this.#c.read();
  }

  readN(n: number): Buffer {
    return this.#c.readN(n);
  }

  shiftN(n: number): number {
    return this.#c.shiftN(n);
  }

  resetBuffer(): void {
    this.#c.resetBuffer();
  }

  peek(n?: number): Buffer | null {
    return this.#c.peek(n);
  }

  next(n?: number): Buffer | null {
    return this.#c.next(n);
  }

  discard(n?: number): number {
    return this.#c.discard(n);
  }

  inboundBuffered(): number {
    return this.#c.inboundBuffered();
  }

  byteAt(offset: number): number {
    return this.#c.byteAt(offset);
  }

  indexOfByte(byte: number, from: number): number {
    return this.#c.indexOfByte(byte, from);
  }
}

/** What the payloads of outer frames make together, as far as the inner codec has not taken it. */
class InnerSource extends RingFrameSource {
  readonly #c: FrameSource;

  constructor(c: FrameSource) {
    super();
    this.#c = c;
  }

  get context(): unknown {
    return this.#c.context;
  }

  set context(value: unknown) {
    this.#c.context = value;
  }
}
