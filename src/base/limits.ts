import { assert } from './assert.ts';

/** Bounds of loops, queues and buffers that no option changes. Bytes unless the name says otherwise. */

/** In front of what is read: room for the unfinished frame of the read before. */
export const readHeadroomBytes = 16_384;
/**
 * An unfinished frame is moved in front of the next read only when that brings at least a quarter
 * as many bytes: every byte is copied a bounded number of times, however small the pieces.
 */
export const leftoverPerReceivedMax = 4;
/** One piece of an outbound queue. */
export const outboundSlabBytes = 65_536;
/** Replies from here on go to the kernel from where they are, when nothing is pending. */
export const directSendBytesMin = 16_384;
/** Bytes of one stream that are read in a row, as long as each read fills the buffer. */
export const readAgainBytes: number = 320 * 1_024;
/** Bytes that a flush gives to the kernel by calls before other connections have their turn. */
export const flushBytesMax: number = 4 * 1_024 * 1_024;
/** Pieces of memory that one call sends. */
export const piecesMax = 16;
/** Once a handler has answered with a promise, frames up to here are copied, not lent from a slab. */
export const asyncFrameCopyBytesMax = 4_096;
/** Frames of one connection per turn: others have their turn then. */
export const framesPerTurnMax = 4_096;
/** What an unfinished frame may have beyond `maxFrameLength`: its header or delimiter. */
export const frameOverheadBytesMax = 64;

/** A connection's number: generation, loop and slot in one safe integer. */
const slotBits = 20;
const loopBits = 12;
const generationBits = 21;
export const slotsMax: number = 2 ** slotBits;
export const loopsMax: number = 2 ** loopBits;
export const generationsMax: number = 2 ** generationBits;

assert(slotBits + loopBits + generationBits <= 53, 'a connection id is a safe integer');
assert(outboundSlabBytes >= directSendBytesMin, 'what is copied fits into a slab');
