import { leftoverPerReceivedMax } from '../base/limits.ts';
import { RingBuffer } from '../buffer/ring-buffer.ts';
import type { Slab } from '../buffer/slab.ts';
import type { FrameSource } from '../codec/codec.ts';
import type { ReadWindow } from './read-window.ts';

const nothing = Buffer.alloc(0);
/** What expired frames are overwritten with, in development mode. */
export const poison = 0xdb;

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
export abstract class InboundSource implements FrameSource {
  context: unknown = undefined;
  codecState: unknown = undefined;
  scanned = 0;
  /** The loop's, while a read of this connection is handled from where it stands. */
  protected window: ReadWindow | null = null;
  protected ring: RingBuffer | null = null;
  /** The newest view of the ring that was given out; kept only where expired frames are overwritten. */
  protected ringView: Buffer | null = null;

  /** Frames must not share a view with earlier ones: a kept one would show the next bytes. */
  protected abstract get freshViews(): boolean;

  /** Begins the handling of a read. */
  protected enterSlab(window: ReadWindow, slab: Slab, start: number, end: number): void {
    const ring = this.ring;
    if (ring === null || ring.length === 0) {
      window.enter(slab, start, end);
      this.window = window;
      return;
    }
    const leftover = ring.length;
    const fits = leftover <= start - slab.floor;
    if (fits && leftover <= (end - start) * leftoverPerReceivedMax) {
      ring.peek(leftover).copy(slab.bytes, start - leftover);
      ring.reset();
      window.enter(slab, start - leftover, end);
      this.window = window;
    } else {
      ring.write(slab.bytes, start, end);
    }
  }

  /** Ends it: what was not consumed moves to the ring. */
  protected leaveSlab(): void {
    const { window } = this;
    if (window === null) return;
    const { start, end } = window;
    if (start < end) this.keep(window.slab as Slab, start, end);
    this.window = null;
    window.leave();
  }

  /** Keeps bytes for later. */
  protected keep(slab: Slab, start: number, end: number): void {
    this.ring ??= new RingBuffer();
    this.ring.write(slab.bytes, start, end);
  }

  /** Forgets everything that was received. */
  protected dropInbound(): void {
    this.ring = null;
    if (this.window !== null) this.window.start = this.window.end;
    this.scanned = 0;
    this.codecState = undefined;
  }

  bufferLength(): number {
    const { window } = this;
    if (window !== null) return window.end - window.start;
    return this.ring === null ? 0 : this.ring.length;
  }

  #view(window: ReadWindow, end: number): Buffer {
    const { start } = window;
    const slab = window.slab as Slab;
    const view = this.freshViews ? slab.freshView(start, end) : slab.view(start, end);
    window.view = view;
    window.viewStart = start;
    return view;
  }

  #peek(ring: RingBuffer, length: number): Buffer {
    const view = ring.peek(length);
    if (this.freshViews) this.ringView = view;
    return view;
  }

  /** Whether a frame stands in memory that is received into again; asked where expired ones show. */
  protected isReceivedMemory(frame: Uint8Array): boolean {
    if (this.window !== null) return frame.buffer === (this.window.slab as Slab).buffer;
    return this.ringView !== null && frame.buffer === this.ringView.buffer;
  }

  /** A frame that was cut from the ring has had its time: whoever kept it shall see that. */
  protected expireRingFrame(frame: unknown): void {
    const given = this.ringView;
    this.ringView = null;
    // What is not the ring's memory is the codec's own; what is not consumed comes again.
    if (
      given === null ||
      !(frame instanceof Uint8Array) ||
      frame.buffer !== given.buffer ||
      this.ring?.holds(frame)
    )
      return;
    frame.fill(poison);
  }

  read(): Buffer {
    const { window } = this;
    if (window !== null) return this.#view(window, window.end);
    return this.ring === null ? nothing : this.#peek(this.ring, this.ring.length);
  }

  readN(n: number): Buffer {
    const { window } = this;
    if (window !== null) {
      const available = window.end - window.start;
      const count = n > 0 && n <= available ? n : available;
      return this.#view(window, window.start + count);
    }
    const ring = this.ring;
    if (ring === null) return nothing;
    return this.#peek(ring, n > 0 && n <= ring.length ? n : ring.length);
  }

  shiftN(n: number): number {
    if (n === 0) return 0;
    const available = this.bufferLength();
    const count = n > 0 && n <= available ? n : available;
    if (count === 0) return 0;
    this.scanned = 0;
    if (this.window !== null) this.window.start += count;
    else (this.ring as RingBuffer).discard(count);
    return count;
  }

  resetBuffer(): void {
    this.scanned = 0;
    if (this.window !== null) this.window.start = this.window.end;
    else this.ring?.reset();
  }

  byteAt(offset: number): number {
    const { window } = this;
    if (window !== null) return (window.slab as Slab).bytes[window.start + offset] as number;
    return (this.ring as RingBuffer).byteAt(offset);
  }

  indexOfByte(byte: number, from: number): number {
    const { window } = this;
    if (window === null) {
      const ring = this.ring;
      return ring === null ? -1 : ring.indexOf(byte, from, ring.length);
    }
    // The slab goes on behind `end` with bytes of earlier reads: the search must end there.
    const { bytes } = window.slab as Slab;
    const index = searchByte(bytes, byte, window.start + from, window.end);
    return index === -1 ? -1 : index - window.start;
  }
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
