import { ErrFrameTooLong, ErrInvalidOption } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import type { FrameSource } from './codec.ts';

/** What a codec does with frames that are longer than it should accept. */
export interface OversizeOptions {
  /**
   * The longest frame in bytes, 1 or more; `Infinity`, no limit, by default (then `maxInboundBytes` of the
   * connection is the limit). Each codec says what it counts.
   */
  readonly maxFrameLength?: number;
  /**
   * True (default): the error is raised as soon as it is certain that the frame is too long. False:
   * when the whole frame has gone by. Nothing of it is kept in either case.
   */
  readonly failFast?: boolean;
  /**
   * False (default): a frame that is too long closes the connection with `ErrFrameTooLong`. True: its
   * bytes are thrown away as they come, and decoding goes on with the next frame.
   */
  readonly skipTooLong?: boolean;
  /**
   * With `skipTooLong`: called once for each frame that is skipped; `failFast` decides when. What it
   * throws closes the connection.
   */
  onTooLong?(c: FrameSource, error: ErrFrameTooLong): void;
}

/** A frame that is being thrown away; kept as `codecState` between two calls of `decode`. */
export class OversizedFrame {
  /** Bytes of it that are known of: all of them, or those that went by. */
  length: number;
  /** Bytes of it that are still to come, where that is known. */
  remaining: number;

  constructor(length: number, remaining: number) {
    this.length = length;
    this.remaining = remaining;
  }
}

/** The limit of one codec and what happens above it; the same for all codecs. */
export class OversizeRule {
  readonly maxFrameLength: number;
  readonly failFast: boolean;
  readonly #skip: boolean;
  readonly #options: OversizeOptions;
  /**
   * Whether a frame may be partly thrown away when `decode` returns. If not, `codecState` is never
   * looked at, so that a codec built around this one can have it.
   */
  readonly keepsState: boolean;

  constructor(codec: string, options: OversizeOptions) {
    const { failFast = true, skipTooLong = false, onTooLong } = options;
    const maxFrameLength = options.maxFrameLength ?? Number.POSITIVE_INFINITY;
    const limited = maxFrameLength !== Number.POSITIVE_INFINITY;
    if (limited && !(Number.isSafeInteger(maxFrameLength) && maxFrameLength > 0)) {
      throw new ErrInvalidOption(
        `cannot make a ${codec}: maxFrameLength is ${textOf(maxFrameLength)}, ` +
          'expected an integer of 1 or more, or Infinity for no limit',
      );
    }
    if (onTooLong !== undefined && !skipTooLong) {
      throw new ErrInvalidOption(
        `cannot make a ${codec}: onTooLong is only called with skipTooLong: true; ` +
          'without it the connection closes, and onClosed gets the error',
      );
    }
    // No received frame is longer than this: lengths above it are corrupt before they are too long.
    this.maxFrameLength = Math.min(maxFrameLength, Number.MAX_SAFE_INTEGER);
    this.failFast = failFast;
    this.#skip = skipTooLong;
    this.#options = options;
    this.keepsState = limited && (skipTooLong || !failFast);
  }

  /** The frame that is being thrown away, if there is one. */
  frameInProgress(c: FrameSource): OversizedFrame | undefined {
    const state = c.codecState;
    return state instanceof OversizedFrame ? state : undefined;
  }

  /**
   * Raises the error, or tells about it and returns when such frames are skipped. `complete` says
   * whether `length` is all of the frame.
   */
  raise(c: FrameSource, length: number, complete: boolean): void {
    if (this.#skip && this.#options.onTooLong === undefined) return;
    const error = new ErrFrameTooLong(
      `cannot decode a frame: it is ${complete ? '' : 'at least '}${length} bytes long, ` +
        `at most ${this.maxFrameLength} are allowed; raise maxFrameLength or set skipTooLong`,
    );
    if (!this.#skip) throw error;
    this.#options.onTooLong?.(c, error);
  }

  /**
   * The bytes of such a frame that are there were thrown away, others are to come. Notes that for the
   * next `decode` before anything is raised, so that the note is there whatever the program does.
   */
  begin(c: FrameSource, length: number, remaining: number, complete: boolean): void {
    if (this.keepsState) c.codecState = new OversizedFrame(length, remaining);
    if (this.failFast) this.raise(c, length, complete);
  }

  /** Consumes a frame of `total` bytes that counts as `length`, as far as it is there, and refuses it. */
  refuse(c: FrameSource, length: number, total: number): void {
    const available = c.bufferLength();
    c.shiftN(Math.min(total, available));
    if (total <= available) this.raise(c, length, true);
    else this.begin(c, length, total - available, true);
  }

  /** Throws more of a frame in progress away; false while some of it is still to come. */
  discard(c: FrameSource): boolean {
    if (!this.keepsState) return true;
    const oversized = this.frameInProgress(c);
    if (oversized === undefined) return true;
    const count = Math.min(oversized.remaining, c.bufferLength());
    c.shiftN(count);
    oversized.remaining -= count;
    if (oversized.remaining > 0) return false;
    this.finish(c, oversized.length);
    return true;
  }

  /** All of the frame has been thrown away now. */
  finish(c: FrameSource, length: number): void {
    c.codecState = undefined;
    if (!this.failFast) this.raise(c, length, true);
  }
}
