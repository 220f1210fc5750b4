import { ErrCorruptedFrame, ErrInvalidOption } from '../base/errors.ts';
import type { FrameSource } from './codec.ts';
import { DelimitedFrames } from './delimited-frames.ts';
import { OversizeRule, type OversizeOptions } from './oversize.ts';

/** `maxFrameLength` counts a frame as it is on the wire, without the byte that ends it. */
export interface StuffedFrameOptions extends OversizeOptions {
  /**
   * False (default): a frame that breaks the encoding closes the connection with
   * `ErrCorruptedFrame`. True: it is thrown away and decoding goes on behind it, as gateways to noisy
   * serial lines need.
   */
  readonly skipCorrupted?: boolean;
  /** With `skipCorrupted`: called once for each frame that is thrown away. */
  onCorrupted?(c: FrameSource, error: ErrCorruptedFrame): void;
}

/** How one byte value is kept out of payloads, so that it can end frames. */
export interface Stuffing {
  /** For messages: the codec's name. */
  readonly codec: string;
  /** The byte that ends a frame, and is in none. */
  readonly end: number;
  /** The payload of a frame without its end, in memory of its own; null when the frame is corrupt. */
  unstuff(frame: Buffer): Buffer | null;
}

/** Frames whose payload was rewritten to be free of the byte that ends them: SLIP and COBS. */
export class StuffedFrames {
  readonly #stuffing: Stuffing;
  readonly #wire: DelimitedFrames;
  readonly #skip: boolean;
  readonly #options: StuffedFrameOptions;

  constructor(stuffing: Stuffing, options: StuffedFrameOptions) {
    this.#stuffing = stuffing;
    this.#options = options;
    this.#skip = options.skipCorrupted ?? false;
    if (options.onCorrupted !== undefined && !this.#skip) {
      throw new ErrInvalidOption(
        `cannot make a ${stuffing.codec}: onCorrupted is only called with skipCorrupted: true; ` +
          'without it the connection closes, and onClosed gets the error',
      );
    }
    const rule = new OversizeRule(stuffing.codec, options);
    this.#wire = new DelimitedFrames(stuffing.codec, [Uint8Array.of(stuffing.end)], true, rule);
  }

  /** Nothing between two ends is no frame: senders put an end in front to get rid of noise. */
  decode(c: FrameSource): Buffer | null {
    for (;;) {
      const frame = this.#wire.decode(c);
      if (frame === null) return null;
      if (frame.length === 0) continue;
      const payload = this.#stuffing.unstuff(frame);
      if (payload !== null) return payload;
      this.#refuse(c, frame.length);
    }
  }

  #refuse(c: FrameSource, length: number): void {
    if (this.#skip && this.#options.onCorrupted === undefined) return;
    const error = new ErrCorruptedFrame(
      `cannot decode a frame: its ${length} bytes are not what a ${this.#stuffing.codec} writes; ` +
        'check the line, or set skipCorrupted',
    );
    if (!this.#skip) throw error;
    this.#options.onCorrupted?.(c, error);
  }
}
