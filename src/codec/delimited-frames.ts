import { ErrInvalidOption } from '../base/errors.ts';
import type { FrameSource } from './codec.ts';
import { takeFrame } from './frame.ts';
import type { OversizeRule } from './oversize.ts';

/**
 * Cuts a stream at delimiters; the line and the delimiter codec are two faces of it.
 *
 * The delimiter that ends first wins, and among those that end at the same byte the longest: this is
 * the one that makes the shortest frame, and it can be told without waiting for more bytes, so that
 * a stream gives the same frames wherever it is cut. Searching for ends rather than beginnings also
 * means that no byte is looked at twice: a delimiter across two pieces is found from its last byte.
 */
export class DelimitedFrames {
  /** Longest first: of two that end at the same byte the first that matches is the right one. */
  readonly #delimiters: readonly Uint8Array[];
  readonly #longest: number;
  /** The last byte of all delimiters, or -1 when they end differently. */
  readonly #lastByte: number;
  /** 1 for each byte that some delimiter ends with. */
  readonly #isLastByte = new Uint8Array(256);
  readonly #strip: boolean;
  readonly #oversize: OversizeRule;

  constructor(
    codec: string,
    delimiters: readonly Uint8Array[],
    strip: boolean,
    oversize: OversizeRule,
  ) {
    refuseUnreachable(codec, delimiters);
    this.#delimiters = [...delimiters].sort((a, b) => b.length - a.length);
    this.#longest = this.#delimiters[0]!.length;
    for (const delimiter of delimiters) this.#isLastByte[delimiter.at(-1)!] = 1;
    const lastBytes = new Set(delimiters.map((delimiter) => delimiter.at(-1)!));
    this.#lastByte = lastBytes.size === 1 ? delimiters[0]!.at(-1)! : -1;
    this.#strip = strip;
    this.#oversize = oversize;
  }

  decode(c: FrameSource): Buffer | null {
    for (;;) {
      const last = this.#findLastByte(c);
      if (last < 0) return this.#wait(c);
      const delimiterLength = this.#longest === 1 ? 1 : this.#delimiterLengthAt(c, last);
      if (delimiterLength === 0) {
        c.scanned = last + 1;
        continue;
      }
      const end = last + 1;
      const length = end - delimiterLength;
      const oversized = this.#oversize.keepsState ? this.#oversize.frameInProgress(c) : undefined;
      if (oversized !== undefined) {
        c.shiftN(end);
        this.#oversize.finish(c, oversized.length + length);
      } else if (length > this.#oversize.maxFrameLength) {
        c.shiftN(end);
        this.#oversize.raise(c, length, true);
      } else {
        return takeFrame(c, this.#strip ? length : end, end);
      }
    }
  }

  #findLastByte(c: FrameSource): number {
    if (this.#lastByte >= 0) return c.indexOfByte(this.#lastByte, c.scanned);
    // One search for each last byte would look at the bytes up to the rarest one for every frame.
    const available = c.bufferLength();
    for (let offset = c.scanned; offset < available; offset++) {
      if (this.#isLastByte[c.byteAt(offset)] === 1) return offset;
    }
    return -1;
  }

  /** The length of the longest delimiter with its last byte at `last`, or 0. */
  #delimiterLengthAt(c: FrameSource, last: number): number {
    for (let index = 0; index < this.#delimiters.length; index++) {
      const delimiter = this.#delimiters[index]!;
      const start = last + 1 - delimiter.length;
      if (start >= 0 && matchesAt(c, start, delimiter, delimiter.length)) return delimiter.length;
    }
    return 0;
  }

  /** No delimiter ends in what is there. */
  #wait(c: FrameSource): null {
    const available = c.bufferLength();
    const oversized = this.#oversize.keepsState ? this.#oversize.frameInProgress(c) : undefined;
    if (oversized === undefined && available <= this.#oversize.maxFrameLength) {
      c.scanned = available;
      return null;
    }
    // The last bytes may be the beginning of a delimiter: they do not count yet, and are kept.
    const kept = this.#begunDelimiterLength(c, available);
    const discarded = available - kept;
    if (oversized !== undefined) {
      c.shiftN(discarded);
      c.scanned = kept;
      oversized.length += discarded;
    } else if (discarded > this.#oversize.maxFrameLength) {
      c.shiftN(discarded);
      c.scanned = kept;
      this.#oversize.begin(c, discarded, 0, false);
    } else {
      c.scanned = available;
    }
    return null;
  }

  /** How many of the last available bytes are the beginning of a delimiter, at most. */
  #begunDelimiterLength(c: FrameSource, available: number): number {
    for (let length = Math.min(this.#longest - 1, available); length > 0; length--) {
      for (const delimiter of this.#delimiters) {
        if (delimiter.length <= length) break;
        if (matchesAt(c, available - length, delimiter, length)) return length;
      }
    }
    return 0;
  }
}

function matchesAt(c: FrameSource, offset: number, bytes: Uint8Array, length: number): boolean {
  for (let index = 0; index < length; index++) {
    if (c.byteAt(offset + index) !== bytes[index]) return false;
  }
  return true;
}

/** A delimiter that has another one in it before its end is never reached: a slip of the program. */
function refuseUnreachable(codec: string, delimiters: readonly Uint8Array[]): void {
  if (delimiters.length === 0 || delimiters.some((delimiter) => delimiter.length === 0)) {
    throw new ErrInvalidOption(
      `cannot make a ${codec}: a delimiter is missing or empty, expected one byte or more`,
    );
  }
  for (const long of delimiters) {
    for (const short of delimiters) {
      if (Buffer.from(long.subarray(0, -1)).includes(short)) {
        throw new ErrInvalidOption(
          `cannot make a ${codec}: the delimiter ${hex(long)} can never be found, because ` +
            `${hex(short)} is found inside it first; leave one of them out`,
        );
      }
    }
  }
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}
