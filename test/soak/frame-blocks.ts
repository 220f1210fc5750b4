/** What both sides of the soak of frames know of a frame: where its number and its hash stand. */
import { Random } from 'gnet/testing';

const framesPerBlock = 4_096;
const payloadMax = 24;
/** In front of the payload: the length of the rest, and the number of the frame. */
const lengthBytes = 2;
export const numberBytes = 4;
export const hashBytes = 4;
const spread = 0x9e3779b1;

/** FNV-1a of the payload, mixed with the number: a frame in another place has another one. */
export function hashOf(bytes: Uint8Array, start: number, end: number, number: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return (hash ^ Math.imul(number, spread)) >>> 0;
}

/** Frames without end, made in blocks: each time the same payloads, with other numbers and hashes. */
export class FrameBlocks {
  readonly #block: Buffer;
  /** Where the number and the hash of each frame are. */
  readonly #numbers: number[] = [];
  readonly #hashes: number[] = [];
  /** Of each payload, without the number of the frame. */
  readonly #parts: number[] = [];
  #made = 0;

  constructor(seed: number) {
    const random = new Random(seed);
    const frames: Buffer[] = [];
    let offset = 0;
    for (let count = 0; count < framesPerBlock; count++) {
      const length = numberBytes + random.below(payloadMax + 1) + hashBytes;
      const frame = random.bytes(lengthBytes + length);
      frame.writeUInt16BE(length, 0);
      const payload = lengthBytes + numberBytes;
      this.#parts.push(hashOf(frame, payload, frame.length - hashBytes, 0));
      this.#numbers.push(offset + lengthBytes);
      this.#hashes.push(offset + frame.length - hashBytes);
      offset += frame.length;
      frames.push(frame);
    }
    this.#block = Buffer.concat(frames);
  }

  get framesPerBlock(): number {
    return framesPerBlock;
  }

  /** A copy of the next one. */
  next(): Buffer {
    const block = Buffer.from(this.#block);
    for (let index = 0; index < framesPerBlock; index++) {
      const number = (this.#made + index) >>> 0;
      const hash = ((this.#parts[index] as number) ^ Math.imul(number, spread)) >>> 0;
      block.writeUInt32LE(number, this.#numbers[index]);
      block.writeUInt32LE(hash, this.#hashes[index]);
    }
    this.#made += framesPerBlock;
    return block;
  }
}
