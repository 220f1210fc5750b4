import { COLON, CR, HEX_VALUE, IS_FIELD, IS_TOKEN, LF } from './characters.ts';
import { ExtensionState, nextExtensionState } from './chunk-extension.ts';
import type { HttpLimits } from './limits.ts';

/**
 *   SizeFirst -> Size -> Extension -> SizeLineFeed -> Data -> DataReturn -> DataLineFeed
 *       ^                                 | size 0                               |
 *       +---------------------------------|--------------------------------------+
 *                                         v
 *                TrailerStart <-> TrailerName -> TrailerValue -> TrailerLineFeed
 *                     |
 *                LastLineFeed -> Done
 */
export const ChunkState = {
  /** A chunk size must have at least one digit. */
  SizeFirst: 0,
  Size: 1,
  Extension: 2,
  SizeLineFeed: 3,
  Data: 4,
  DataReturn: 5,
  DataLineFeed: 6,
  TrailerStart: 7,
  TrailerName: 8,
  TrailerValue: 9,
  TrailerLineFeed: 10,
  LastLineFeed: 11,
  Done: 12,
  /** `status` says what to answer. */
  Failed: 13,
} as const;
export type ChunkState = (typeof ChunkState)[keyof typeof ChunkState];

const FIRST_CAPACITY = 1024;

/** Takes a chunked body apart as it arrives; trailers are checked and dropped. */
export class ChunkedBody {
  readonly #limits: HttpLimits;
  state: ChunkState = ChunkState.SizeFirst;
  /** 400 or 413 after Failed. */
  status = 0;
  /** Bytes of the body so far; it stands in `bytes`. */
  length = 0;
  bytes: Buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  /** Of the current chunk: its size while that is read, then what is still to come. */
  #remaining = 0;
  /** Of the current size line, or of all trailers. */
  #lineLength = 0;
  #extension: ExtensionState = ExtensionState.AfterValue;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /** Consumes what it can of `input[start..end)` and returns where it stopped. */
  take(input: Buffer, start: number, end: number): number {
    let position = start;
    while (position < end && this.state < ChunkState.Done) {
      if (this.state === ChunkState.Data) position = this.#takeData(input, position, end);
      else if (this.state < ChunkState.Data) this.#takeSizeByte(input[position++] as number);
      else this.#takeLineByte(input[position++] as number);
    }
    return position;
  }

  #fail(status: number): void {
    this.status = status;
    this.state = ChunkState.Failed;
  }

  #takeSizeByte(byte: number): void {
    if (++this.#lineLength > this.#limits.chunkLineLengthMax) return this.#fail(400);
    if (this.state === ChunkState.SizeLineFeed) {
      if (byte !== LF) return this.#fail(400);
      this.#lineLength = 0;
      this.state = this.#remaining === 0 ? ChunkState.TrailerStart : ChunkState.Data;
      return;
    }
    if (this.state === ChunkState.Extension) return this.#takeExtensionByte(byte);
    const digit = HEX_VALUE[byte] as number;
    if (digit !== 255) {
      this.#remaining = this.#remaining * 16 + digit;
      this.state = ChunkState.Size;
      if (this.#remaining + this.length > this.#limits.bodyLengthMax) this.#fail(413);
      return;
    }
    if (this.state === ChunkState.SizeFirst) return this.#fail(400);
    if (byte === CR) this.state = ChunkState.SizeLineFeed;
    else {
      this.state = ChunkState.Extension;
      this.#extension = ExtensionState.AfterSize;
      this.#takeExtensionByte(byte);
    }
  }

  #takeExtensionByte(byte: number): void {
    const next = nextExtensionState(this.#extension, byte);
    if (next === ExtensionState.Wrong) this.#fail(400);
    else if (next === ExtensionState.LineEnd) this.state = ChunkState.SizeLineFeed;
    else this.#extension = next;
  }

  #takeData(input: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#remaining);
    const needed = this.length + (stop - start);
    if (needed > this.bytes.length) {
      // Grows with what was received, never with what a size line promises.
      const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    input.copy(this.bytes, this.length, start, stop);
    this.length = needed;
    this.#remaining -= stop - start;
    if (this.#remaining === 0) this.state = ChunkState.DataReturn;
    return stop;
  }

  #takeLineByte(byte: number): void {
    switch (this.state) {
      case ChunkState.DataReturn:
        return this.#expect(byte, CR, ChunkState.DataLineFeed);
      case ChunkState.DataLineFeed:
        return this.#expect(byte, LF, ChunkState.SizeFirst);
      case ChunkState.LastLineFeed:
        return this.#expect(byte, LF, ChunkState.Done);
      case ChunkState.TrailerLineFeed:
        return this.#expect(byte, LF, ChunkState.TrailerStart);
      default:
        return this.#takeTrailerByte(byte);
    }
  }

  #expect(byte: number, expected: number, next: ChunkState): void {
    if (byte === expected) this.state = next;
    else this.#fail(400);
  }

  #takeTrailerByte(byte: number): void {
    if (++this.#lineLength > this.#limits.trailersLengthMax) return this.#fail(431);
    if (this.state === ChunkState.TrailerStart) {
      if (byte === CR) this.state = ChunkState.LastLineFeed;
      else if (IS_TOKEN[byte] === 1) this.state = ChunkState.TrailerName;
      else this.#fail(400);
    } else if (this.state === ChunkState.TrailerName) {
      if (byte === COLON) this.state = ChunkState.TrailerValue;
      else if (IS_TOKEN[byte] === 0) this.#fail(400);
    } else if (byte === CR) this.state = ChunkState.TrailerLineFeed;
    else if (IS_FIELD[byte] === 0) this.#fail(400);
  }
}
