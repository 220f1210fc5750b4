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

/** Takes a chunked body apart as it arrives, without keeping any of it but its trailers. */
export class ChunkDecoder {
  readonly #limits: HttpLimits;
  state: ChunkState = ChunkState.SizeFirst;
  /** 400, 413 or 431 after Failed. */
  status = 0;
  /** Bytes of the body so far. */
  length = 0;
  /** What the last `take` found of the body: `input[dataStart..dataEnd)`; nothing when both are equal. */
  dataStart = 0;
  dataEnd = 0;
  /** The trailer lines so far, with their line ends; bytes above ASCII as latin1. */
  trailers = '';
  /** Of the current chunk: its size while that is read, then what is still to come. */
  #remaining = 0;
  /** Of the current size line, or of all trailers. */
  #lineLength = 0;
  #extension: ExtensionState = ExtensionState.AfterValue;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /**
   * Consumes `input[start..end)` up to the end of the first piece of the body, of the whole, or of the
   * input, and returns where it stopped.
   */
  take(input: Buffer, start: number, end: number): number {
    let position = start;
    this.dataStart = this.dataEnd = start;
    while (position < end && this.state < ChunkState.Done) {
      if (this.state === ChunkState.Data) return this.#takeData(position, end);
      if (this.state < ChunkState.Data) this.#takeSizeByte(input[position++] as number);
      else if (this.state < ChunkState.TrailerStart) {
        this.#takeLineByte(input[position++] as number);
      } else position = this.#takeTrailers(input, position, end);
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

  #takeData(start: number, end: number): number {
    const stop = Math.min(end, start + this.#remaining);
    this.dataStart = start;
    this.dataEnd = stop;
    this.length += stop - start;
    this.#remaining -= stop - start;
    if (this.#remaining === 0) this.state = ChunkState.DataReturn;
    return stop;
  }

  #takeLineByte(byte: number): void {
    if (this.state === ChunkState.DataReturn) {
      this.#expect(byte, CR, ChunkState.DataLineFeed);
    } else this.#expect(byte, LF, ChunkState.SizeFirst);
  }

  #expect(byte: number, expected: number, next: ChunkState): void {
    if (byte === expected) this.state = next;
    else this.#fail(400);
  }

  #takeTrailers(input: Buffer, start: number, end: number): number {
    let position = start;
    while (position < end && this.state < ChunkState.LastLineFeed) {
      this.#takeTrailerByte(input[position++] as number);
    }
    // The CR that has led to the last line is none of them.
    const isLast = this.state === ChunkState.LastLineFeed;
    const stop = isLast ? position - 1 : position;
    if (stop > start) this.trailers += input.toString('latin1', start, stop);
    if (!isLast || position === end) return position;
    this.#expect(input[position] as number, LF, ChunkState.Done);
    return position + 1;
  }

  #takeTrailerByte(byte: number): void {
    if (++this.#lineLength > this.#limits.trailersLengthMax) return this.#fail(431);
    switch (this.state) {
      case ChunkState.TrailerStart:
        if (byte === CR) this.state = ChunkState.LastLineFeed;
        else if (IS_TOKEN[byte] === 1) this.state = ChunkState.TrailerName;
        else this.#fail(400);
        return;
      case ChunkState.TrailerName:
        if (byte === COLON) this.state = ChunkState.TrailerValue;
        else if (IS_TOKEN[byte] === 0) this.#fail(400);
        return;
      case ChunkState.TrailerValue:
        if (byte === CR) this.state = ChunkState.TrailerLineFeed;
        else if (IS_FIELD[byte] === 0) this.#fail(400);
        return;
      default:
        return this.#expect(byte, LF, ChunkState.TrailerStart);
    }
  }
}
