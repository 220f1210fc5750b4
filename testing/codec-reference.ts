/**
 * What the codecs should make of a whole stream, written the slow and obvious way: one look at all
 * of it, in exact arithmetic, without the codecs' code.
 */
import assert from 'node:assert/strict';
import { GnetError } from '../src/base/errors.ts';
import type { ICodec } from '../src/codec/codec.ts';
import { ArrayFrameSource } from './array-frame-source.ts';

/** A frame in hexadecimal digits, `skipped` for one that was too long, or `error <code>`, the last. */
export type FrameEvent = string;

export const SKIPPED = 'skipped';

export interface Oversize {
  readonly maxFrameLength: number;
  readonly failFast: boolean;
  readonly skipTooLong: boolean;
}

const TOO_LONG = 'error ErrFrameTooLong';
const CORRUPTED = 'error ErrCorruptedFrame';

export function delimitedReference(
  stream: Buffer,
  delimiters: readonly Buffer[],
  stripDelimiter: boolean,
  oversize: Oversize | undefined,
): FrameEvent[] {
  const max = oversize?.maxFrameLength ?? Number.POSITIVE_INFINITY;
  const events: FrameEvent[] = [];
  let start = 0;
  for (let end = 1; end <= stream.length; end++) {
    const ending = delimiters
      .filter((delimiter) => end - start >= delimiter.length)
      .filter((delimiter) => stream.subarray(end - delimiter.length, end).equals(delimiter))
      .map((delimiter) => delimiter.length);
    if (ending.length === 0) continue;
    const contentEnd = end - Math.max(...ending);
    if (contentEnd - start <= max) {
      events.push(stream.toString('hex', start, stripDelimiter ? contentEnd : end));
    } else {
      if (!oversize!.skipTooLong) return [...events, TOO_LONG];
      events.push(SKIPPED);
    }
    start = end;
  }
  const rest = stream.subarray(start);
  const begun = Math.max(...delimiters.map((delimiter) => begunLength(rest, delimiter)));
  if (oversize?.failFast && rest.length - begun > max) {
    events.push(oversize.skipTooLong ? SKIPPED : TOO_LONG);
  }
  return events;
}

/** How many of the last bytes of `rest` are the beginning of `delimiter`, but not all of it. */
function begunLength(rest: Buffer, delimiter: Buffer): number {
  for (let length = Math.min(delimiter.length - 1, rest.length); length > 0; length--) {
    if (rest.subarray(rest.length - length).equals(delimiter.subarray(0, length))) return length;
  }
  return 0;
}

export interface LengthFieldConfig {
  readonly byteOrder: 'BE' | 'LE';
  readonly lengthFieldOffset: number;
  readonly lengthFieldLength: number;
  readonly lengthAdjustment: number;
  readonly initialBytesToStrip: number;
}

export function lengthFieldReference(
  stream: Buffer,
  config: LengthFieldConfig,
  oversize: Oversize | undefined,
): FrameEvent[] {
  const events: FrameEvent[] = [];
  const header = config.lengthFieldOffset + config.lengthFieldLength;
  let start = 0;
  while (stream.length - start >= header) {
    const field = [...stream.subarray(start + config.lengthFieldOffset, start + header)];
    if (config.byteOrder === 'LE') field.reverse();
    const value = field.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    const exact = value + BigInt(config.lengthAdjustment) + BigInt(header);
    const safe = BigInt(Number.MAX_SAFE_INTEGER);
    const least = BigInt(Math.max(header, config.initialBytesToStrip));
    if (value > safe || exact > safe || exact < least) return [...events, CORRUPTED];
    const length = Number(exact);
    const complete = stream.length - start >= length;
    if (length > (oversize?.maxFrameLength ?? Number.POSITIVE_INFINITY)) {
      if (!complete && !oversize!.failFast) return events;
      events.push(oversize!.skipTooLong ? SKIPPED : TOO_LONG);
      if (!oversize!.skipTooLong) return events;
    } else if (complete) {
      events.push(stream.toString('hex', start + config.initialBytesToStrip, start + length));
    }
    if (!complete) return events;
    start += length;
  }
  return events;
}

/** The same options for the codec, with a way to see the skipped frames. */
export function codecOptions(oversize: Oversize | undefined, events: FrameEvent[]) {
  if (oversize === undefined) return {};
  if (!oversize.skipTooLong) return oversize;
  return { ...oversize, onTooLong: () => void events.push(SKIPPED) };
}

/**
 * Feeds `stream` in pieces of `sizes` (over and over; none: all at once), decoding after each piece
 * as an event loop does. Ends with the first error.
 */
export function decodeInPieces(
  codec: ICodec,
  stream: Buffer,
  sizes: Iterable<number>,
  events: FrameEvent[],
): ArrayFrameSource {
  const source = new ArrayFrameSource();
  const pieces = [...sizes];
  let from = 0;
  for (let index = 0; from < stream.length; index++) {
    const size = pieces.length === 0 ? stream.length : pieces[index % pieces.length]!;
    const to = Math.min(stream.length, from + size);
    source.feed(stream.subarray(from, to));
    from = to;
    try {
      for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
        events.push(frame.toString('hex'));
      }
    } catch (error) {
      assert.ok(error instanceof GnetError, String(error));
      events.push(`error ${error.code}`);
      return source;
    }
  }
  return source;
}
