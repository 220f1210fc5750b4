import { ErrCorruptedFrame } from '../base/errors.ts';
import { encodesAs, type FrameSink, type FrameSource, type ICodec } from './codec.ts';
import { takeFrame } from './frame.ts';
import { type OversizeOptions, OversizeRule } from './oversize.ts';

const COLON = 0x3a;
const COMMA = Uint8Array.of(0x2c);
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
/** `Number.MAX_SAFE_INTEGER` has one digit more; lengths of this many digits are exact. */
const MOST_DIGITS = 15;

/** `maxFrameLength` counts the payload, without digits, colon and comma. */
export type NetstringOptions = OversizeOptions;

/**
 * `5:hello,`: the length in decimal digits, a colon, the payload, a comma
 * (https://cr.yp.to/proto/netstrings.txt). Digits with needless zeros in front are corrupt, as that
 * text says. An empty frame, `0:,`, is a frame.
 */
export class NetstringCodec implements ICodec {
  readonly #oversize: OversizeRule;

  /** @throws `ErrInvalidOption` when an option is out of its range. */
  constructor(options: NetstringOptions = {}) {
    this.#oversize = new OversizeRule('NetstringCodec', options);
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, NetstringCodec.prototype);
  }

  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    const prefixLength = digitsOf(buf.length) + 1;
    const encoded = Buffer.allocUnsafe(prefixLength + buf.length + 1);
    writePrefix(encoded, 0, prefixLength, buf.length);
    encoded.set(buf, prefixLength);
    encoded.set(COMMA, prefixLength + buf.length);
    return encoded;
  }

  encodeInto(_c: FrameSource, buf: Uint8Array, sink: FrameSink): void {
    const prefixLength = digitsOf(buf.length) + 1;
    sink.wrap(prefixLength, buf, COMMA);
    writePrefix(sink.bytes, sink.offset, prefixLength, buf.length);
  }

  /**
   * @throws `ErrCorruptedFrame` when what comes is no netstring, or its length has more than 15
   * digits; `ErrFrameTooLong`, unless such frames are skipped (the comma of one is not looked at).
   */
  decode(c: FrameSource): Buffer | null {
    for (;;) {
      if (!this.#oversize.discard(c)) return null;
      const available = c.bufferLength();
      let length = 0;
      let at = 0;
      for (; ; at++) {
        if (at === available) return null;
        const byte = c.byteAt(at);
        if (byte === COLON && at > 0) break;
        const isDigit = byte >= DIGIT_0 && byte <= DIGIT_9;
        if (!isDigit || at === MOST_DIGITS) raiseCorrupted(c, at + 1, 'the length');
        if (at === 1 && length === 0) raiseCorrupted(c, at + 1, 'the zero in front of the length');
        length = length * 10 + byte - DIGIT_0;
      }
      const whole = at + 1 + length + 1;
      if (length > this.#oversize.maxFrameLength) {
        this.#oversize.refuse(c, length, whole);
        continue;
      }
      if (whole > available) return null;
      if (c.byteAt(whole - 1) !== COMMA[0]) raiseCorrupted(c, whole, 'the byte behind the payload');
      c.shiftN(at + 1);
      return takeFrame(c, length, length + 1);
    }
  }
}

/** Consumes the bytes first, so that they are not decoded again. */
function raiseCorrupted(c: FrameSource, consumed: number, what: string): never {
  const text = c.readN(consumed).toString('latin1', 0, 24);
  c.shiftN(consumed);
  throw new ErrCorruptedFrame(
    `cannot decode a netstring: ${what} is not as in '5:hello,', it begins ${JSON.stringify(text)}`,
  );
}

function digitsOf(length: number): number {
  let digits = 1;
  for (let rest = length; rest >= 10; rest /= 10) digits++;
  return digits;
}

/** Digits and colon: `prefixLength` bytes. */
function writePrefix(bytes: Buffer, offset: number, prefixLength: number, length: number): void {
  let rest = length;
  for (let at = offset + prefixLength - 2; at >= offset; at--) {
    bytes[at] = DIGIT_0 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  bytes[offset + prefixLength - 1] = COLON;
}
