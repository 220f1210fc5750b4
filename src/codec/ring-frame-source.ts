import { RingBuffer } from '../buffer/ring-buffer.ts';
import { PeekableSource } from './peekable-source.ts';

/** A source of bytes that the program feeds, and no connection: see `FrameSource`. */
export abstract class RingFrameSource extends PeekableSource {
  readonly #ring = new RingBuffer();

  /** `bytes` arrive as one piece; they are copied. */
  feed(bytes: Uint8Array): void {
    this.#ring.write(bytes, 0, bytes.length);
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

  byteAt(offset: number): number {
    return this.#ring.byteAt(offset);
  }

  indexOfByte(byte: number, from: number): number {
    return this.#ring.indexOf(byte, from, this.#ring.length);
  }
}
