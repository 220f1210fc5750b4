import { RingBuffer } from '../src/buffer/ring-buffer.ts';
import type { FrameSource } from '../src/codec/codec.ts';

/**
 * The bytes of one connection, without a connection: for tests of codecs. What `feed` is given
 * arrives as one piece; `decode(source)` then sees what it would see on a connection.
 */
export class ArrayFrameSource implements FrameSource {
  context: unknown = undefined;
  codecState: unknown = undefined;
  scanned = 0;
  /** Bytes that `indexOfByte` and `byteAt` looked at. */
  bytesLookedAt = 0;
  /** The most bytes that were ever waiting after a `feed`. */
  highestLength = 0;
  readonly #ring = new RingBuffer();

  feed(bytes: Uint8Array): void {
    this.#ring.write(bytes, 0, bytes.length);
    this.highestLength = Math.max(this.highestLength, this.#ring.length);
  }

  bufferLength(): number {
    return this.#ring.length;
  }

  read(): Buffer {
    return this.#ring.peek(this.#ring.length);
  }

  readN(n: number): Buffer {
    return this.#ring.peek(n >= 1 && n <= this.#ring.length ? n : this.#ring.length);
  }

  shiftN(n: number): number {
    if (n === 0) return 0;
    const count = n > 0 && n <= this.#ring.length ? n : this.#ring.length;
    this.#ring.discard(count);
    this.scanned = 0;
    return count;
  }

  resetBuffer(): void {
    this.shiftN(-1);
  }

  byteAt(offset: number): number {
    this.bytesLookedAt++;
    return this.#ring.byteAt(offset);
  }

  indexOfByte(byte: number, from: number): number {
    const index = this.#ring.indexOf(byte, from, this.#ring.length);
    this.bytesLookedAt += (index < 0 ? this.#ring.length : index + 1) - from;
    return index;
  }
}
