import { RingBuffer } from '../buffer/ring-buffer.ts';
import type { FrameSource } from './codec.ts';
import { peekAt, takeNext } from './frame.ts';

/** A source of bytes that were fed to it, and not received: see `FrameSource` for what each does. */
export abstract class RingFrameSource implements FrameSource {
  abstract context: unknown;
  codecState: unknown = undefined;
  scanned = 0;
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

  resetBuffer(): void {
    this.shiftN(-1);
  }

  peek(n = -1): Buffer | null {
    return peekAt(this, n);
  }

  next(n = -1): Buffer | null {
    return takeNext(this, n);
  }

  discard(n = -1): number {
    return this.shiftN(n);
  }

  inboundBuffered(): number {
    return this.bufferLength();
  }

  byteAt(offset: number): number {
    return this.#ring.byteAt(offset);
  }

  indexOfByte(byte: number, from: number): number {
    return this.#ring.indexOf(byte, from, this.#ring.length);
  }
}
