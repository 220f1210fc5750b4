import { ErrInvalidFixedLength, ErrInvalidOption } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import { encodesAs, type FrameSource, type ICodec } from './codec.ts';
import { takeFrame } from './frame.ts';

/** Frames of one length. A short rest waits for more; payloads must be whole frames, or empty. */
export class FixedLengthFrameCodec implements ICodec {
  readonly #frameLength: number;

  /**
   * `frameLength`: bytes, 1 or more.
   * @throws `ErrInvalidOption` for anything else.
   */
  constructor(frameLength: number) {
    if (!Number.isSafeInteger(frameLength) || frameLength < 1) {
      throw new ErrInvalidOption(
        `cannot make a FixedLengthFrameCodec: frameLength is ${textOf(frameLength)}, ` +
          'expected an integer of 1 or more',
      );
    }
    this.#frameLength = frameLength;
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, FixedLengthFrameCodec.prototype);
  }

  /** @throws `ErrInvalidFixedLength` when `buf` is not a whole number of frames. */
  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    if (buf.length % this.#frameLength !== 0) {
      throw new ErrInvalidFixedLength(
        `invalid fixed length of bytes: cannot encode ${buf.length} bytes, ` +
          `expected a multiple of ${this.#frameLength}`,
      );
    }
    return buf;
  }

  decode(c: FrameSource): Buffer | null {
    if (c.bufferLength() < this.#frameLength) return null;
    return takeFrame(c, this.#frameLength, this.#frameLength);
  }
}
