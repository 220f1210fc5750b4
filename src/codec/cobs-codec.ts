import { encodesAs, type FrameSource, type ICodec } from './codec.ts';
import { type StuffedFrameOptions, StuffedFrames, type Stuffing } from './stuffed-frames.ts';

const END = 0;
/** The code of a block that is full: 254 bytes, and no zero behind them. */
const FULL = 0xff;

const cobs: Stuffing = {
  codec: 'CobsCodec',
  end: END,
  unstuff(frame) {
    const payload = Buffer.allocUnsafe(frame.length);
    let length = 0;
    let at = 0;
    while (at < frame.length) {
      const code = frame[at] as number;
      const next = at + code;
      if (next > frame.length) return null;
      frame.copy(payload, length, at + 1, next);
      length += code - 1;
      // Each block except a full one and the last one implies a zero after it.
      if (code !== FULL && next < frame.length) payload[length++] = 0;
      at = next;
    }
    return payload.subarray(0, length);
  },
};

/**
 * Consistent Overhead Byte Stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking, April
 * 1999): payloads are rewritten without zeros at a cost of one byte in 254, and a zero ends each
 * frame. An empty payload is a frame; nothing between two zeros is none.
 */
export class CobsCodec implements ICodec {
  readonly #frames: StuffedFrames;

  /** @throws `ErrInvalidOption` when an option is out of its range. */
  constructor(options: StuffedFrameOptions = {}) {
    this.#frames = new StuffedFrames(cobs, options);
  }

  get sharesEncoding(): boolean {
    return encodesAs(this, CobsCodec.prototype);
  }

  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    const encoded = Buffer.allocUnsafe(buf.length + Math.floor(buf.length / 254) + 2);
    let block = 0;
    let at = 1;
    for (let index = 0; index < buf.length; index++) {
      const byte = buf[index] as number;
      // A full block is closed only when something follows: no empty block ends a frame.
      if (at - block === FULL) {
        encoded[block] = FULL;
        block = at++;
      }
      if (byte === 0) {
        encoded[block] = at - block;
        block = at++;
      } else {
        encoded[at++] = byte;
      }
    }
    encoded[block] = at - block;
    encoded[at++] = END;
    return encoded.subarray(0, at);
  }

  /** @throws `ErrCorruptedFrame` and `ErrFrameTooLong`, unless such frames are skipped. */
  decode(c: FrameSource): Buffer | null {
    return this.#frames.decode(c);
  }
}
