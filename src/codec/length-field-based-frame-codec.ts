import { ErrCorruptedFrame, ErrLengthOverflow, ErrTooLessLength } from '../base/errors.ts';
import { encodesAs, type FrameSink, type FrameSource, type ICodec } from './codec.ts';
import { takeFrame } from './frame.ts';
import {
  type ByteOrder,
  checkInteger,
  checkLengthFieldLength,
  invalidOption,
  isLittleEndian,
  type LengthFieldLength,
  maxLengthFieldValue,
  readLengthField,
  writeLengthField,
} from './length-field.ts';
import { type OversizeOptions, OversizeRule } from './oversize.ts';

/** How a frame is written: `length field | payload`. */
export interface EncoderConfig {
  /** `'BE'` by default. */
  readonly byteOrder?: ByteOrder;
  /** Bytes of the length field: 1, 2, 3, 4 or 8. */
  readonly lengthFieldLength: number;
  /** Added to the payload's length; 0 by default. */
  readonly lengthAdjustment?: number;
  /** Whether the field counts its own bytes too; false by default. */
  readonly lengthIncludesLengthFieldLength?: boolean;
}

/**
 * How a frame is read: `lengthFieldOffset bytes | length field | body`, where the body has as many
 * bytes as the field says, plus `lengthAdjustment`.
 */
export interface DecoderConfig {
  /** `'BE'` by default. */
  readonly byteOrder?: ByteOrder;
  /** Bytes in front of the length field; 0 by default, and negative means 0. */
  readonly lengthFieldOffset?: number;
  /** Bytes of the length field: 1, 2, 3, 4 or 8. */
  readonly lengthFieldLength: number;
  /** Added to the field's value to get the length of the body; 0 by default. */
  readonly lengthAdjustment?: number;
  /** Bytes to leave out at the beginning of the frame, for example the length field; 0 by default. */
  readonly initialBytesToStrip?: number;
}

/** `maxFrameLength` counts the whole frame: header, length field and body, before stripping. */
export type LengthFieldBasedFrameOptions = OversizeOptions;

/** Frames that begin with their length. An empty frame is a frame. */
export class LengthFieldBasedFrameCodec implements ICodec {
  readonly #encoderFieldLength: LengthFieldLength;
  readonly #encoderLittleEndian: boolean;
  readonly #encoderMaxValue: number;
  /** The value of the field is the payload's length plus this. */
  readonly #encoderAddend: number;
  readonly #fieldOffset: number;
  readonly #fieldLength: LengthFieldLength;
  readonly #littleEndian: boolean;
  /** Everything up to the end of the length field. */
  readonly #headerLength: number;
  /** The length of the frame is the value of the field plus this. */
  readonly #addend: number;
  readonly #strip: number;
  readonly #oversize: OversizeRule;

  /**
   * @throws `ErrUnsupportedLength` for a length field of other than 1, 2, 3, 4 or 8 bytes;
   * `ErrTooLessLength` when every frame would have a negative length; `ErrInvalidOption` when an
   * option is out of its range, or when no frame could ever be encoded or decoded.
   */
  constructor(
    encoderConfig: EncoderConfig,
    decoderConfig: DecoderConfig,
    options: LengthFieldBasedFrameOptions = {},
  ) {
    this.#oversize = new OversizeRule('LengthFieldBasedFrameCodec', options);

    this.#encoderFieldLength = checkLengthFieldLength(encoderConfig.lengthFieldLength);
    this.#encoderLittleEndian = isLittleEndian(encoderConfig.byteOrder);
    this.#encoderMaxValue = maxLengthFieldValue(this.#encoderFieldLength);
    this.#encoderAddend =
      checkInteger('lengthAdjustment', encoderConfig.lengthAdjustment) +
      (encoderConfig.lengthIncludesLengthFieldLength === true ? this.#encoderFieldLength : 0);
    if (this.#encoderAddend > this.#encoderMaxValue) {
      const most = `an integer that ${this.#encoderFieldLength} bytes can hold with a payload added`;
      throw invalidOption('lengthAdjustment', encoderConfig.lengthAdjustment, most);
    }

    this.#fieldLength = checkLengthFieldLength(decoderConfig.lengthFieldLength);
    this.#littleEndian = isLittleEndian(decoderConfig.byteOrder);
    this.#fieldOffset = Math.max(
      checkInteger('lengthFieldOffset', decoderConfig.lengthFieldOffset),
      0,
    );
    this.#headerLength = this.#fieldOffset + this.#fieldLength;
    this.#addend =
      this.#headerLength + checkInteger('lengthAdjustment', decoderConfig.lengthAdjustment);
    this.#strip = checkInteger('initialBytesToStrip', decoderConfig.initialBytesToStrip);
    this.#checkThatFramesExist();
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, LengthFieldBasedFrameCodec.prototype);
  }

  /**
   * @throws `ErrTooLessLength` when the adjusted length is negative, `ErrLengthOverflow` when it does
   * not fit into the length field.
   */
  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    const value = this.#encodedLength(buf.length);
    const encoded = Buffer.allocUnsafe(this.#encoderFieldLength + buf.length);
    writeLengthField(encoded, 0, this.#encoderFieldLength, this.#encoderLittleEndian, value);
    encoded.set(buf, this.#encoderFieldLength);
    return encoded;
  }

  /** @throws as `encode`, before anything is taken. */
  encodeInto(_c: FrameSource, buf: Uint8Array, sink: FrameSink): void {
    const value = this.#encodedLength(buf.length);
    const length = this.#encoderFieldLength;
    sink.wrap(length, buf, null);
    writeLengthField(sink.bytes, sink.offset, length, this.#encoderLittleEndian, value);
  }

  /**
   * @throws `ErrCorruptedFrame` when the length is negative after adjustment, below
   * `initialBytesToStrip` or above `Number.MAX_SAFE_INTEGER`; `ErrFrameTooLong`, unless such frames
   * are skipped.
   */
  decode(c: FrameSource): Buffer | null {
    for (;;) {
      if (!this.#oversize.discard(c)) return null;
      const available = c.bufferLength();
      if (available < this.#headerLength) return null;
      const value = readLengthField(c, this.#fieldOffset, this.#fieldLength, this.#littleEndian);
      const length = value + this.#addend;
      if (value < 0 || length < this.#headerLength || length < this.#strip) {
        this.#raiseCorrupted(c, value, length);
      }
      if (length <= this.#oversize.maxFrameLength) {
        if (length > available) return null;
        if (this.#strip > 0) c.shiftN(this.#strip);
        return takeFrame(c, length - this.#strip, length - this.#strip);
      }
      if (length > Number.MAX_SAFE_INTEGER) this.#raiseCorrupted(c, -1, length);
      this.#oversize.refuse(c, length, length);
    }
  }

  #encodedLength(payloadLength: number): number {
    const value = payloadLength + this.#encoderAddend;
    if (value < 0) {
      throw new ErrTooLessLength(
        `adjusted frame length is less than zero: cannot encode ${payloadLength} bytes, ` +
          `which lengthAdjustment makes ${value}`,
      );
    }
    if (value > this.#encoderMaxValue) {
      throw new ErrLengthOverflow(
        `cannot encode ${payloadLength} bytes: the length ${value} does not fit into a field of ` +
          `${this.#encoderFieldLength} bytes, expected at most ${this.#encoderMaxValue}`,
      );
    }
    return value;
  }

  /** Consumes bytes that cannot be part of a frame first, so that they are not decoded again. */
  #raiseCorrupted(c: FrameSource, value: number, length: number): never {
    if (value < 0) {
      c.shiftN(this.#headerLength);
      throw new ErrCorruptedFrame(
        `cannot decode a frame: its length is above ${Number.MAX_SAFE_INTEGER}, which no frame ` +
          'can have; check byteOrder and lengthFieldOffset',
      );
    }
    if (length < this.#headerLength) {
      c.shiftN(this.#headerLength);
      throw new ErrCorruptedFrame(
        `cannot decode a frame: the length ${value} makes a body of ` +
          `${length - this.#headerLength} bytes with lengthAdjustment, expected 0 or more`,
      );
    }
    c.shiftN(Math.min(length, c.bufferLength()));
    throw new ErrCorruptedFrame(
      `cannot decode a frame: it is ${length} bytes long, fewer than the ${this.#strip} of ` +
        'initialBytesToStrip',
    );
  }

  /** Refuses what would make every frame corrupt or too long. */
  #checkThatFramesExist(): void {
    const adjustment = this.#addend - this.#headerLength;
    const longest = maxLengthFieldValue(this.#fieldLength) + this.#addend;
    if (longest < this.#headerLength) {
      throw new ErrTooLessLength(
        `adjusted frame length is less than zero: with lengthAdjustment ${adjustment} that is so ` +
          `for every value of ${this.#fieldLength} bytes`,
      );
    }
    const max = Math.min(this.#oversize.maxFrameLength, longest);
    if (this.#strip < 0 || this.#strip > max) {
      throw invalidOption('initialBytesToStrip', this.#strip, `0..${max}, the longest frame`);
    }
    const shortest = this.#headerLength + Math.max(adjustment, 0);
    if (shortest > this.#oversize.maxFrameLength) {
      const expected = `at least ${shortest}, the shortest frame`;
      throw invalidOption('maxFrameLength', this.#oversize.maxFrameLength, expected);
    }
  }
}
