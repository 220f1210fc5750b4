import { ErrCorruptedFrame, ErrInvalidOption, ErrLengthOverflow } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import { encodesAs, type FrameSink, type FrameSource, type ICodec } from './codec.ts';
import { takeFrame } from './frame.ts';
import { type OversizeOptions, OversizeRule } from './oversize.ts';

/** Seven bytes hold 49 bits: the most that a number holds exactly with whole groups of seven. */
const LONGEST_PREFIX = 7;
const DEFAULT_PREFIX = 5;
/** Set in every byte of a varint but the last one. */
const MORE = 0x80;

/** `maxFrameLength` counts the payload, without its prefix. */
export interface VarintLengthOptions extends OversizeOptions {
  /**
   * The longest length prefix in bytes, 1..7; 5 by default, which holds lengths below 32 GiB. A longer
   * prefix is a corrupt stream.
   */
  readonly maxPrefixLength?: number;
}

/**
 * Frames that begin with their length as a base-128 varint, the lowest seven bits first: the
 * "delimited" messages of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/). A
 * prefix with needless zeros at its end is accepted, as protobuf's own readers do. An empty frame is
 * a frame.
 */
export class VarintLengthCodec implements ICodec {
  readonly #maxPrefixLength: number;
  readonly #maxEncoded: number;
  readonly #oversize: OversizeRule;

  /** @throws `ErrInvalidOption` when an option is out of its range. */
  constructor(options: VarintLengthOptions = {}) {
    this.#oversize = new OversizeRule('VarintLengthCodec', options);
    const { maxPrefixLength = DEFAULT_PREFIX } = options;
    const sound = Number.isSafeInteger(maxPrefixLength) && maxPrefixLength >= 1;
    if (!sound || maxPrefixLength > LONGEST_PREFIX) {
      throw new ErrInvalidOption(
        `cannot make a VarintLengthCodec: maxPrefixLength is ${textOf(maxPrefixLength)}, ` +
          `expected an integer of 1..${LONGEST_PREFIX}`,
      );
    }
    this.#maxPrefixLength = maxPrefixLength;
    this.#maxEncoded = 2 ** (7 * maxPrefixLength) - 1;
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, VarintLengthCodec.prototype);
  }

  /** @throws `ErrLengthOverflow` when the length of `buf` needs a prefix over `maxPrefixLength`. */
  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    const prefixLength = this.#prefixLength(buf.length);
    const encoded = Buffer.allocUnsafe(prefixLength + buf.length);
    writeVarint(encoded, 0, buf.length);
    encoded.set(buf, prefixLength);
    return encoded;
  }

  /** @throws as `encode`, before anything is taken. */
  encodeInto(_c: FrameSource, buf: Uint8Array, sink: FrameSink): void {
    sink.wrap(this.#prefixLength(buf.length), buf, null);
    writeVarint(sink.bytes, sink.offset, buf.length);
  }

  /**
   * @throws `ErrCorruptedFrame` when the prefix has more than `maxPrefixLength` bytes;
   * `ErrFrameTooLong`, unless such frames are skipped.
   */
  decode(c: FrameSource): Buffer | null {
    for (;;) {
      if (!this.#oversize.discard(c)) return null;
      const available = c.bufferLength();
      let length = 0;
      let scale = 1;
      let at = 0;
      for (;;) {
        if (at === this.#maxPrefixLength) this.#raiseCorrupted(c);
        if (at === available) return null;
        const byte = c.byteAt(at++);
        length += (byte & 0x7f) * scale;
        if (byte < MORE) break;
        scale *= 0x80;
      }
      if (length <= this.#oversize.maxFrameLength) {
        if (at + length > available) return null;
        c.shiftN(at);
        return takeFrame(c, length, length);
      }
      this.#oversize.refuse(c, length, at + length);
    }
  }

  #prefixLength(length: number): number {
    if (length > this.#maxEncoded) {
      throw new ErrLengthOverflow(
        `cannot encode ${length} bytes: the length does not fit into a prefix of ` +
          `${this.#maxPrefixLength} bytes, expected at most ${this.#maxEncoded}`,
      );
    }
    let bytes = 1;
    for (let rest = length; rest >= MORE; rest /= 0x80) bytes++;
    return bytes;
  }

  /** Consumes the bytes first, so that they are not decoded again. */
  #raiseCorrupted(c: FrameSource): never {
    c.shiftN(this.#maxPrefixLength);
    throw new ErrCorruptedFrame(
      `cannot decode a frame: its length prefix is longer than ${this.#maxPrefixLength} bytes; ` +
        'the peer frames in another way, or raise maxPrefixLength',
    );
  }
}

function writeVarint(bytes: Buffer, offset: number, value: number): void {
  let rest = value;
  let at = offset;
  while (rest >= MORE) {
    bytes[at++] = (rest % 0x80) | MORE;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at] = rest;
}
