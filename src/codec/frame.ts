import type { FrameSource } from './codec.ts';

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
