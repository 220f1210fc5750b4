import { encodesAs, type FrameSource, type ICodec } from './codec.ts';
import { type StuffedFrameOptions, StuffedFrames, type Stuffing } from './stuffed-frames.ts';

const END = 0xc0;
const ESC = 0xdb;
const ESC_END = 0xdc;
const ESC_ESC = 0xdd;

const slip: Stuffing = {
  codec: 'SlipCodec',
  end: END,
  unstuff(frame) {
    const payload = Buffer.allocUnsafe(frame.length);
    let length = 0;
    for (let at = 0; at < frame.length; at++) {
      let byte = frame[at] as number;
      if (byte === ESC) {
        byte = escaped(frame[++at]);
        if (byte < 0) return null;
      }
      payload[length++] = byte;
    }
    return payload.subarray(0, length);
  },
};

/** The byte that follows an escape, decoded; -1 if it is not allowed there. */
function escaped(byte: number | undefined): number {
  if (byte === ESC_END) return END;
  return byte === ESC_ESC ? ESC : -1;
}

/**
 * SLIP (RFC 1055): each frame ends with 0xC0; that byte and 0xDB are escaped inside of it. Encoding
 * also begins with 0xC0, as the RFC advises, so that noise in front of a frame is a frame of its own.
 * Frames of no bytes do not arrive. An escape that the RFC does not know makes a frame corrupt.
 */
export class SlipCodec implements ICodec {
  readonly #frames: StuffedFrames;

  /** @throws `ErrInvalidOption` when an option is out of its range. */
  constructor(options: StuffedFrameOptions = {}) {
    this.#frames = new StuffedFrames(slip, options);
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, SlipCodec.prototype);
  }

  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    const encoded = Buffer.allocUnsafe(2 * buf.length + 2);
    let at = 0;
    encoded[at++] = END;
    for (let index = 0; index < buf.length; index++) {
      const byte = buf[index] as number;
      if (byte === END || byte === ESC) {
        encoded[at++] = ESC;
        encoded[at++] = byte === END ? ESC_END : ESC_ESC;
      } else {
        encoded[at++] = byte;
      }
    }
    encoded[at++] = END;
    return encoded.subarray(0, at);
  }

  /** @throws `ErrCorruptedFrame` and `ErrFrameTooLong`, unless such frames are skipped. */
  decode(c: FrameSource): Buffer | null {
    return this.#frames.decode(c);
  }
}
