import { ErrInvalidOption } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import { encodesAs, type FrameSink, type FrameSource, type ICodec } from './codec.ts';
import { DelimitedFrames } from './delimited-frames.ts';
import { OversizeRule, type OversizeOptions } from './oversize.ts';

/** One byte (0..255), or several: a string (as UTF-8) or bytes. */
export type Delimiter = number | string | Uint8Array;

/** `maxFrameLength` counts the frame without its delimiter. */
export interface DelimiterBasedFrameOptions extends OversizeOptions {
  /** False: the delimiter stays in the frame. True by default. */
  readonly stripDelimiter?: boolean;
}

/**
 * Frames that end with a delimiter. With several, the one that makes the shortest frame wins.
 * Encoding appends the first delimiter, without escaping any in the payload.
 */
export class DelimiterBasedFrameCodec implements ICodec {
  readonly #frames: DelimitedFrames;
  readonly #appended: Uint8Array;

  /**
   * `[13, 10]` are two delimiters of one byte each; `'\r\n'` is one of two bytes.
   * @throws `ErrInvalidOption` when an option is out of its range, or when a delimiter is empty or
   * can never be found because another one is found inside it first.
   */
  constructor(
    delimiter: Delimiter | readonly Delimiter[],
    options: DelimiterBasedFrameOptions = {},
  ) {
    const delimiters = (isList(delimiter) ? delimiter : [delimiter]).map(toBytes);
    this.#frames = new DelimitedFrames(
      'DelimiterBasedFrameCodec',
      delimiters,
      options.stripDelimiter ?? true,
      new OversizeRule('DelimiterBasedFrameCodec', options),
    );
    this.#appended = delimiters[0]!;
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, DelimiterBasedFrameCodec.prototype);
  }

  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    const encoded = Buffer.allocUnsafe(buf.length + this.#appended.length);
    encoded.set(buf, 0);
    encoded.set(this.#appended, buf.length);
    return encoded;
  }

  encodeInto(_c: FrameSource, buf: Uint8Array, sink: FrameSink): void {
    sink.wrap(0, buf, this.#appended);
  }

  /** @throws `ErrFrameTooLong`, unless such frames are skipped. */
  decode(c: FrameSource): Buffer | null {
    return this.#frames.decode(c);
  }
}

function isList(delimiter: Delimiter | readonly Delimiter[]): delimiter is readonly Delimiter[] {
  return Array.isArray(delimiter);
}

function toBytes(delimiter: Delimiter): Uint8Array {
  if (typeof delimiter === 'string') return Buffer.from(delimiter);
  // A copy: later changes to the program's bytes must not change the codec.
  if (delimiter instanceof Uint8Array) return Uint8Array.from(delimiter);
  if (Number.isInteger(delimiter) && delimiter >= 0 && delimiter <= 255) {
    return Uint8Array.of(delimiter);
  }
  throw new ErrInvalidOption(
    `cannot make a DelimiterBasedFrameCodec: a delimiter is ${textOf(delimiter)}, ` +
      'expected a byte (0..255), a string, a Uint8Array, or an array of those',
  );
}
