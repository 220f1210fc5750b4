import type { FrameSource } from './codec.ts';

type Readable = Pick<FrameSource, 'bufferLength' | 'readN' | 'shiftN'>;

const EMPTY_FRAME = Buffer.alloc(0);

/**
 * The first `length` bytes as a view of the connection's memory, with `consumed` bytes consumed.
 * An empty frame needs a case of its own: `readN(0)` means everything.
 */
export function takeFrame(c: FrameSource, length: number, consumed: number): Buffer {
  const frame = length === 0 ? EMPTY_FRAME : c.readN(length);
  c.shiftN(consumed);
  return frame;
}

/** `FrameSource.peek` over the rest of it. */
export function peekAt(c: Readable, n: number): Buffer | null {
  return n > c.bufferLength() ? null : c.readN(n);
}

/** `FrameSource.next` over the rest of it. */
export function takeNext(c: Readable, n: number): Buffer | null {
  const bytes = peekAt(c, n);
  if (bytes !== null) c.shiftN(bytes.length);
  return bytes;
}
