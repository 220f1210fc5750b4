/** Frames of RFC 6455: what their first bytes say, and how payloads are masked. */
import type { FrameSource } from '../codec/index.ts';

export const Opcode = {
  Continuation: 0,
  Text: 1,
  Binary: 2,
  Close: 8,
  Ping: 9,
  Pong: 10,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

export const FIN = 0x80;
/** The first of the three reserved bits: the message is compressed. */
export const COMPRESSED = 0x40;
export const RESERVED = 0x70;
export const MASKED = 0x80;
export const CONTROL_PAYLOAD_MAX = 125;

/** Bytes of the header for a payload of this length, without a mask. */
export function headerLength(payloadLength: number): number {
  if (payloadLength < 126) return 2;
  return payloadLength < 65_536 ? 4 : 10;
}

/** Writes the header at `offset`; `masked` is `MASKED` or 0, and the mask itself follows. */
export function writeHeader(
  bytes: Buffer,
  offset: number,
  first: number,
  payloadLength: number,
  masked: number,
): void {
  bytes[offset] = first;
  if (payloadLength < 126) {
    bytes[offset + 1] = masked | payloadLength;
  } else if (payloadLength < 65_536) {
    bytes[offset + 1] = masked | 126;
    bytes[offset + 2] = payloadLength >> 8;
    bytes[offset + 3] = payloadLength & 255;
  } else {
    bytes[offset + 1] = masked | 127;
    bytes.writeUInt32BE(Math.floor(payloadLength / 2 ** 32), offset + 2);
    bytes.writeUInt32BE(payloadLength % 2 ** 32, offset + 6);
  }
}

/** From here on whole words are quicker than bytes, although another view of them must be made. */
const WORDS_MIN = 128;
/** The same where that view is there already. */
const KNOWN_WORDS_MIN = 16;

/**
 * What was masked last, and its words. Short messages of one length come as one and the same view of the
 * memory that is received into, so that the second one is known.
 */
let last: Uint8Array | null = null;
let words: Int32Array | null = null;

/** The whole words of `bytes` from `from` on, which is at one of them. */
function wordsIn(bytes: Uint8Array, from: number): Int32Array {
  if (bytes === last && words !== null) return words;
  const count = (bytes.length - from) >> 2;
  last = bytes;
  words = new Int32Array(bytes.buffer, bytes.byteOffset + from, count);
  return words;
}

function goesByWords(bytes: Uint8Array): boolean {
  if (bytes.length >= WORDS_MIN) return true;
  if (bytes === last) return bytes.length >= KNOWN_WORDS_MIN;
  last = bytes;
  words = null;
  return false;
}

/**
 * Masks or unmasks in place.
 * @param mask its four bytes, the first in the lowest bits.
 * @param phase which byte of the mask the first one takes, 0 to 3.
 */
export function applyMask(bytes: Uint8Array, mask: number, phase: number): void {
  const { length } = bytes;
  let index = 0;
  let turned = phase === 0 ? mask : (mask >>> (8 * phase)) | (mask << (32 - 8 * phase));
  if (goesByWords(bytes)) {
    while (((bytes.byteOffset + index) & 3) !== 0) {
      bytes[index] = (bytes[index] as number) ^ (turned & 255);
      turned = (turned >>> 8) | (turned << 24);
      index++;
    }
    const within = wordsIn(bytes, index);
    const count = within.length;
    for (let at = 0; at < count; at++) within[at] = (within[at] as number) ^ turned;
    index += count << 2;
  }
  for (; index < length; index++) {
    bytes[index] = (bytes[index] as number) ^ (turned & 255);
    turned = (turned >>> 8) | (turned << 24);
  }
}

/** A whole frame without a mask, for what is sent rarely. */
export function controlFrame(opcode: Opcode, payload: Uint8Array, mask: number | null): Buffer {
  const header = headerLength(payload.length);
  const start = mask === null ? header : header + 4;
  const frame = Buffer.allocUnsafe(start + payload.length);
  writeHeader(frame, 0, FIN | opcode, payload.length, mask === null ? 0 : MASKED);
  frame.set(payload, start);
  if (mask !== null) {
    frame.writeInt32LE(mask, header);
    applyMask(frame.subarray(start), mask, 0);
  }
  return frame;
}

/** The mask that stands there. */
export function maskAt(c: FrameSource, offset: number): number {
  return (
    c.byteAt(offset) |
    (c.byteAt(offset + 1) << 8) |
    (c.byteAt(offset + 2) << 16) |
    (c.byteAt(offset + 3) << 24)
  );
}
