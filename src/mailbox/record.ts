import { ringBytes } from './loop-memory.ts';

/**
 * One record in a lane, aligned to 8 bytes; the header and the bytes behind it may go round the end
 * of the ring.
 *
 *   0       4       8       12           16      20       24
 *   | size  | kind  | slot  | generation | bytes | status | the bytes, padded ...
 *
 * The sender writes everything but `status`, which is 0; the loop answers there before it moves the
 * head over the record, and the sender reads the answer before it uses the place again.
 */
export const recordField = {
  size: 0,
  kind: 1,
  slot: 2,
  generation: 3,
  byteLength: 4,
  status: 5,
} as const;

export const recordHeaderBytes = 24;
/** A longer write goes in several pieces. */
export const pieceBytesMax = 16_384;

export const recordKind = {
  /** Bytes for a connection: all of them, or the last piece. */
  write: 1,
  /** Bytes for a connection; more follow. */
  piece: 2,
  wake: 3,
  close: 4,
  /** A descriptor, in `slot`, with its peer as seven words. */
  accept: 5,
  /** The same with its peer as text. */
  acceptNamed: 6,
  /** Asks whether a connection has room again; the answer is `taken` or `full`. */
  room: 7,
  /** A value for the safe context of a connection, serialized. */
  setContext: 8,
  /** The name of a channel that the value is to be sent to. */
  tellContext: 9,
} as const;

export const recordStatus = {
  /** The connection has the bytes. */
  taken: 1,
  /** There is no such connection any more. */
  stale: 2,
  /** The codec could not encode them. */
  refused: 3,
  /** The connection has the bytes, and more pending than its high watermark. */
  full: 4,
  /** The safe context could not be copied from one thread to the other. */
  uncopied: 5,
} as const;

const ringMask = ringBytes - 1;

export function recordBytes(byteLength: number): number {
  return recordHeaderBytes + ((byteLength + 7) & ~7);
}

/** Where word `field` of the record at `position` stands, counted in words from the ring's start. */
export function wordInRing(position: number, field: number): number {
  return ((position + field * 4) & ringMask) >>> 2;
}

/** Where the byte `offset` bytes behind `position` stands, from the ring's start. */
export function byteInRing(position: number, offset: number): number {
  return (position + offset) & ringMask;
}

/** Bytes from that place to the end of the ring. */
export function bytesToRingEnd(position: number, offset: number): number {
  return ringBytes - byteInRing(position, offset);
}
