import { encodesAs, type FrameSink, type FrameSource, type ICodec } from './codec.ts';
import { DelimitedFrames } from './delimited-frames.ts';
import { OversizeRule, type OversizeOptions } from './oversize.ts';

/** The byte that ends a line: LF. The name is the source framework's. */
export const CRLFByte = 0x0a;

const LF = Uint8Array.of(CRLFByte);
const CRLF = Uint8Array.of(0x0d, CRLFByte);

/** `maxFrameLength` counts the line without its end. */
export interface LineBasedFrameOptions extends OversizeOptions {
  /** True: a CR in front of the LF belongs to the line end. False (default): it is data. */
  readonly stripCarriageReturn?: boolean;
  /** False: the line end stays in the frame. True by default. */
  readonly stripDelimiter?: boolean;
}

/** Lines that end with LF. An empty line is an empty frame; encoding appends one LF. */
export class LineBasedFrameCodec implements ICodec {
  readonly #frames: DelimitedFrames;

  /** @throws `ErrInvalidOption` when an option is out of its range. */
  constructor(options: LineBasedFrameOptions = {}) {
    const { stripCarriageReturn = false, stripDelimiter = true } = options;
    this.#frames = new DelimitedFrames(
      'LineBasedFrameCodec',
      stripCarriageReturn ? [CRLF, LF] : [LF],
      stripDelimiter,
      new OversizeRule('LineBasedFrameCodec', options),
    );
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, LineBasedFrameCodec.prototype);
  }

  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    const encoded = Buffer.allocUnsafe(buf.length + 1);
    encoded.set(buf, 0);
    encoded[buf.length] = CRLFByte;
    return encoded;
  }

  encodeInto(_c: FrameSource, buf: Uint8Array, sink: FrameSink): void {
    sink.wrap(0, buf, LF);
  }

  /** @throws `ErrFrameTooLong`, unless such lines are skipped. */
  decode(c: FrameSource): Buffer | null {
    return this.#frames.decode(c);
  }
}
