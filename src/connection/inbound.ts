import { leftoverPerReceivedMax } from '../base/limits.ts';
import { RingBuffer } from '../buffer/ring-buffer.ts';
import type { Slab } from '../buffer/slab.ts';
import type { ReadWindow } from './read-window.ts';
import { type ConnectionRecord, rareOf } from './record.ts';
import { poisonFrame } from './poison.ts';

/**
 * The received and unconsumed bytes of one connection, always in exactly one place:
 *
 *  - while a read is handled, in the slab the kernel read into (`window`): frames are cut from there
 *    without a copy;
 *  - between reads, in the ring: only the leftover of an unfinished frame, or frames that wait
 *    because the connection is paused. Empty, the ring holds no memory.
 *
 * When a read finds a leftover, either the leftover moves in front of it (small against the read),
 * or the read moves behind the leftover: each byte is copied a bounded number of times.
 */

const nothing = Buffer.alloc(0);

/** Begins the handling of a read. */
export function enterSlab(
  c: ConnectionRecord,
  window: ReadWindow,
  slab: Slab,
  start: number,
  end: number,
): void {
  const { ring } = c;
  if (ring === null || ring.length === 0) {
    window.enter(slab, start, end);
    c.window = window;
    return;
  }
  const leftover = ring.length;
  const fits = leftover <= start - slab.floor;
  if (fits && leftover <= (end - start) * leftoverPerReceivedMax) {
    ring.peek(leftover).copy(slab.bytes, start - leftover);
    ring.reset();
    window.enter(slab, start - leftover, end);
    c.window = window;
  } else {
    ring.write(slab.bytes, start, end);
  }
}

/** Ends it: what was not consumed moves to the ring. */
export function leaveSlab(c: ConnectionRecord): void {
  const { window } = c;
  if (window === null) return;
  const { start, end } = window;
  if (start < end) keep(c, window.slab as Slab, start, end);
  c.window = null;
  window.leave();
}

/** Keeps bytes for later. */
export function keep(c: ConnectionRecord, slab: Slab, start: number, end: number): void {
  c.ring ??= new RingBuffer();
  c.ring.write(slab.bytes, start, end);
}

/** Forgets everything that was received. */
export function dropInbound(c: ConnectionRecord): void {
  c.ring = null;
  if (c.window !== null) c.window.start = c.window.end;
  c.scanned = 0;
  c.codecState = undefined;
}

/** Frames must not share a view with earlier ones: a kept one would show the next bytes. */
function viewOf(c: ConnectionRecord, window: ReadWindow, end: number): Buffer {
  const { start } = window;
  const slab = window.slab as Slab;
  const view = c.owner.poisonFrames ? slab.freshView(start, end) : slab.view(start, end);
  window.view = view;
  window.viewStart = start;
  return view;
}

function peek(c: ConnectionRecord, ring: RingBuffer, length: number): Buffer {
  const view = ring.peek(length);
  if (c.owner.poisonFrames) rareOf(c).ringView = view;
  return view;
}

/**
 * Whether the memory of a frame is received into again; used only where expired frames are
 * poisoned.
 */
export function isReceivedMemory(c: ConnectionRecord, frame: Uint8Array): boolean {
  if (c.window !== null) return frame.buffer === (c.window.slab as Slab).buffer;
  const view = c.rare === null ? null : c.rare.ringView;
  return view !== null && frame.buffer === view.buffer;
}

/** A frame from the ring has expired: a program that kept it must notice. */
export function expireRingFrame(c: ConnectionRecord, frame: unknown): void {
  if (c.rare === null) return;
  const given = c.rare.ringView;
  c.rare.ringView = null;
  if (given === null || !(frame instanceof Uint8Array)) return;
  // What is not the ring's memory is the codec's own; what is not consumed comes again.
  if (frame.buffer !== given.buffer || c.ring?.holds(frame)) return;
  poisonFrame(frame);
}

// -- as a codec sees them: see `FrameSource` --------------------------------------------------------

export function bufferLength(c: ConnectionRecord): number {
  const { window } = c;
  if (window !== null) return window.end - window.start;
  return c.ring === null ? 0 : c.ring.length;
}

export function readN(c: ConnectionRecord, n: number): Buffer {
  const { window } = c;
  if (window !== null) {
    const available = window.end - window.start;
    return viewOf(c, window, window.start + (n > 0 && n <= available ? n : available));
  }
  const { ring } = c;
  if (ring === null) return nothing;
  return peek(c, ring, n > 0 && n <= ring.length ? n : ring.length);
}

export function shiftN(c: ConnectionRecord, n: number): number {
  if (n === 0) return 0;
  const available = bufferLength(c);
  const count = n > 0 && n <= available ? n : available;
  if (count === 0) return 0;
  c.scanned = 0;
  if (c.window !== null) c.window.start += count;
  else (c.ring as RingBuffer).discard(count);
  return count;
}

export function resetBuffer(c: ConnectionRecord): void {
  c.scanned = 0;
  if (c.window !== null) c.window.start = c.window.end;
  else c.ring?.reset();
}

export function byteAt(c: ConnectionRecord, offset: number): number {
  const { window } = c;
  if (window !== null) return (window.slab as Slab).bytes[window.start + offset] as number;
  return (c.ring as RingBuffer).byteAt(offset);
}

export function indexOfByte(c: ConnectionRecord, byte: number, from: number): number {
  const { window } = c;
  if (window === null) {
    const { ring } = c;
    return ring === null ? -1 : ring.indexOf(byte, from, ring.length);
  }
  // The slab goes on behind `end` with bytes of earlier reads: the search must end there.
  const { bytes } = window.slab as Slab;
  const index = searchByte(bytes, byte, window.start + from, window.end);
  return index === -1 ? -1 : index - window.start;
}

/** Short searches are faster in JavaScript than a call into the runtime (measured: 6 ns and 19 ns). */
const shortSearchBytes = 32;

function searchByte(bytes: Buffer, byte: number, from: number, end: number): number {
  const shortEnd = Math.min(end, from + shortSearchBytes);
  for (let index = from; index < shortEnd; index++) if (bytes[index] === byte) return index;
  if (shortEnd === end) return -1;
  const index = bytes.subarray(shortEnd, end).indexOf(byte);
  return index === -1 ? -1 : index + shortEnd;
}
