import type { FrameSource } from './codec.ts';
import { peekAt, takeNext } from './frame.ts';

/** The members of a `FrameSource` that follow from the others. */
export abstract class PeekableSource implements FrameSource {
  abstract context: unknown;
  codecState: unknown = undefined;
  scanned = 0;

  abstract bufferLength(): number;
  abstract read(): Buffer;
  abstract readN(n: number): Buffer;
  abstract shiftN(n: number): number;
  abstract byteAt(offset: number): number;
  abstract indexOfByte(byte: number, from: number): number;

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
}
