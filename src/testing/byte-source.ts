import { PeekableSource } from '../codec/peekable-source.ts';

/** A connection without a socket: what a test puts in is what a codec finds. */
export class ByteSource extends PeekableSource {
  context: unknown = undefined;
  #bytes: Buffer = Buffer.alloc(0);

  /** Every piece makes new memory, so that a decoder which kept an expired view is found out. */
  receive(piece: Uint8Array): void {
    const old = this.#bytes;
    this.#bytes = Buffer.concat([old, piece]);
    old.fill(0xee);
  }

  bufferLength(): number {
    return this.#bytes.length;
  }

  read(): Buffer {
    return this.#bytes;
  }

  readN(n: number): Buffer {
    return n > 0 && n <= this.#bytes.length ? this.#bytes.subarray(0, n) : this.#bytes;
  }

  shiftN(n: number): number {
    const taken = n < 0 || n > this.#bytes.length ? this.#bytes.length : n;
    if (taken > 0) this.scanned = 0;
    this.#bytes = this.#bytes.subarray(taken);
    return taken;
  }

  byteAt(offset: number): number {
    return this.#bytes[offset] as number;
  }

  indexOfByte(byte: number, from: number): number {
    return this.#bytes.indexOf(byte, from);
  }
}

/** `bytes` cut at the given places, which may repeat and be in any order. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...places].sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let start = 0;
  for (const place of [...sorted, bytes.length]) {
    if (place > start) pieces.push(bytes.subarray(start, place));
    start = Math.max(start, place);
  }
  return pieces;
}

export function everyByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

/** A stream in one piece, byte by byte, and cut once at each place (at each 997th of a long one). */
export function* everyCut(bytes: Buffer): Iterable<readonly Buffer[]> {
  yield [bytes];
  yield everyByte(bytes);
  const step = bytes.length > 2_000 ? 997 : 1;
  for (let place = 1; place < bytes.length; place += step) yield cut(bytes, [place]);
}
