import { assert } from '../base/assert.ts';
import { ErrInvalidReply, type GnetError } from '../base/errors.ts';
import { directSendBytesMin } from '../base/limits.ts';
import { isMemoryLack } from '../base/memory-lack.ts';
import type { OutboundQueue } from '../buffer/outbound-queue.ts';
import type { Slab } from '../buffer/slab.ts';
import { BuiltInFrameCodec } from '../codec/built-in-frame-codec.ts';
import type { ICodec } from '../codec/codec.ts';
import type { Transport } from '../driver/transport.ts';
import type { Bytes } from './conn.ts';
import type { EncodeSink, EncodeTarget } from './encode-sink.ts';
import { FlushWaiters } from './flush-waiters.ts';
import type { ConnectionHost, HandlerEvents } from './host.ts';
import { InboundSource } from './inbound-source.ts';
import { cutShort, outboundOverflow, tooSlow } from './limit-errors.ts';
import type { ReadWindow } from './read-window.ts';
import { mark } from './states.ts';

/**
 * The way out of one connection. Bytes of one turn gather and leave in one send:
 *
 *  - a reply that is the frame itself, still standing in the read slab, is only remembered
 *    (`ReadWindow`) and sent from there: an echo copies nothing;
 *  - everything else is copied to the queue at once (the program may change its memory), except
 *    that many KiB with nothing pending go to the kernel straight from the program's memory;
 *  - what the kernel does not take stays in the queue until it is writable again.
 *
 * An idle connection has no queue.
 */
export abstract class OutboundSide extends InboundSource implements EncodeTarget {
  readonly host: ConnectionHost;
  readonly slot: number;
  readonly generation: number;
  protected codec: ICodec<unknown>;
  /** The loop's handler, or its own. */
  protected events: HandlerEvents;
  /** The driver itself, or the layer that stands in between. */
  transport: Transport;
  #queue: OutboundQueue | null = null;
  /** Bits of `mark`. */
  protected marks = 0;
  #flushWaiters: FlushWaiters | null = null;
  /**
   * When the kernel last took bytes while others waited, or the close came a step further;
   * milliseconds of the host's clock.
   */
  protected lastProgress = 0;

  constructor(host: ConnectionHost, slot: number, generation: number) {
    super();
    this.host = host;
    this.slot = slot;
    this.generation = generation;
    this.codec = host.codecFor();
    this.events = host.calls.events;
    this.transport = host.driver;
    if (this.codec instanceof BuiltInFrameCodec) this.marks = mark.identity;
  }

  /** From now on, in both directions. */
  protected useCodec(codec: ICodec<unknown>): void {
    this.codec = codec;
    this.codecState = undefined;
    this.scanned = 0;
    if (codec instanceof BuiltInFrameCodec) this.marks |= mark.identity;
    else this.marks &= ~mark.identity;
  }

  protected abstract callPreWrite(): void;
  /** Above the high watermark. */
  protected abstract overflowing(): void;
  /** Back at the low watermark. */
  protected abstract drained(): void;
  /** Nothing is pending any more. */
  protected abstract emptied(): void;
  /** The kernel stopped taking bytes. */
  protected abstract blocked(): void;
  protected abstract fail(error: GnetError, abort: boolean): void;
  /** As `fail`, from inside a call of the program: `onClosed` must not come before that returns. */
  protected abstract breakOff(error: GnetError): void;
  abstract get isClosed(): boolean;
  abstract get remoteAddr(): string;

  protected override get freshViews(): boolean {
    return this.host.poisonFrames;
  }

  outboundBuffered(): number {
    const queued = this.#queue === null ? 0 : this.#queue.length;
    const { window } = this;
    return window === null ? queued : queued + window.directEnd - window.directStart;
  }

  /** Whether one of these bits of `mark` is set. */
  protected is(bit: number): boolean {
    return (this.marks & bit) !== 0;
  }

  protected get writeBlocked(): boolean {
    return this.is(mark.writeBlocked);
  }

  // -- taking bytes -------------------------------------------------------------------------------

  /**
   * Encodes and takes. An answer (`isAnswer`) may stay where it stands until the turn ends; anything
   * else the program may change as soon as this returns.
   * @throws what the codec throws; then nothing was taken.
   */
  protected put(data: Bytes, isAnswer: boolean): void {
    if (this.is(mark.identity)) {
      this.#callPreWrite();
      this.#putBytes(data);
      return;
    }
    const bytes = typeof data === 'string' ? Buffer.from(data) : checkBytes(data);
    const { codec } = this;
    if (codec.encodeInto === undefined) {
      const encoded = codec.encode(this, bytes);
      this.#callPreWrite();
      this.#putBytes(encoded);
      return;
    }
    if (!this.#admits(bytes.length)) return;
    const { encodeSink } = this.host;
    if (isAnswer) this.marks |= mark.payloadIsAnswer;
    else this.marks &= ~mark.payloadIsAnswer;
    encodeSink.begin(this);
    codec.encodeInto(this, bytes, encodeSink);
    this.#callPreWrite();
  }

  /**
   * An answer that is the frame just received is not copied: its prefix and suffix go into the
   * consumed bytes around it, where the frame's own once stood. Everything else goes to the queue.
   */
  takeWrapped(
    sink: EncodeSink,
    prefixLength: number,
    payload: Uint8Array,
    suffix: Uint8Array | null,
  ): void {
    const suffixLength = suffix === null ? 0 : suffix.length;
    const { window } = this;
    if (window !== null && this.is(mark.payloadIsAnswer) && payload === window.view) {
      const start = window.viewStart - prefixLength;
      const end = start + prefixLength + payload.length + suffixLength;
      if (start >= 0 && this.#sendsFrom(window, start, end)) {
        const { bytes } = window.slab as Slab;
        if (suffix !== null) bytes.set(suffix, end - suffixLength);
        sink.lend(bytes, start);
        return;
      }
    }
    const queue = this.#openQueue();
    const slab = queue.reserve(prefixLength);
    sink.lend(slab.bytes, queue.reserved);
    queue.push(payload, 0, payload.length);
    if (suffix !== null) queue.push(suffix, 0, suffixLength);
    if (queue.length > this.host.settings.highWaterMark) this.#crossHigh();
  }

  /** Remembers bytes `start..end` of the read slab, if they are free to be sent from there. */
  #sendsFrom(window: ReadWindow, start: number, end: number): boolean {
    if (this.#queue !== null || this.writeBlocked || start === end) return false;
    if (start < (window.slab as Slab).floor || end > window.start) return false;
    if (window.directEnd === 0) window.directStart = start;
    else if (window.directEnd !== start) return false; // not behind what already is
    window.directEnd = end;
    return true;
  }

  /** Takes without the codec. */
  protected putRaw(data: Bytes): void {
    this.#putBytes(data);
  }

  /** The handler answered with the frame itself. */
  protected putFrame(frame: Buffer): void {
    if (!this.is(mark.identity)) {
      this.put(frame, true);
      return;
    }
    this.#callPreWrite();
    const { window } = this;
    if (window !== null && frame === window.view) {
      const start = window.viewStart;
      if (this.#sendsFrom(window, start, start + frame.length)) return;
    }
    this.#putBytes(frame);
  }

  /** Once per reply that nothing is waiting in front of. */
  #callPreWrite(): void {
    if (this.events.preWrite && !this.#stuck) this.callPreWrite();
  }

  /** The kernel refuses bytes: not only behind a send that is under way. */
  get #stuck(): boolean {
    const { transport } = this;
    return transport.refuses === undefined ? this.writeBlocked : transport.refuses(this.slot);
  }

  #putBytes(data: Bytes): void {
    if (this.isClosed) return; // by the program's own codec or preWrite
    if (typeof data === 'string') {
      if (data.length === 0 || !this.#admitsText(data)) return;
      const queue = this.#openQueue();
      queue.pushString(data);
      if (queue.length > this.host.settings.highWaterMark) this.#crossHigh();
      return;
    }
    const length = checkBytes(data).length;
    if (length === 0) return;
    let start = 0;
    if (length >= directSendBytesMin && this.outboundBuffered() === 0 && !this.writeBlocked) {
      start = this.#sendAtOnce(data);
      if (start === length) return;
    } else if (!this.#admits(length)) {
      return;
    }
    const queue = this.#openQueue();
    queue.push(data, start, length);
    if (queue.length > this.host.settings.highWaterMark) this.#crossHigh();
  }

  /** How many bytes went to the kernel from where they stand. */
  #sendAtOnce(data: Uint8Array): number {
    // Memory that others may change or shrink during the call is copied like everything else.
    if (!(data.buffer instanceof ArrayBuffer) || data.buffer.resizable) return 0;
    const taken = this.transport.sendBytes(this.slot, data);
    if (taken < data.length) this.#block();
    return Math.max(taken, 0);
  }

  #admitsText(text: string): boolean {
    // At most three bytes for each unit: measured only where it could matter.
    const most = this.outboundBuffered() + text.length * 3;
    return most <= this.host.settings.maxOutboundBytes || this.#admits(Buffer.byteLength(text));
  }

  /** Whether `length` more bytes may wait; if not, the connection fails. */
  #admits(length: number): boolean {
    const { maxOutboundBytes } = this.host.settings;
    let pending = this.outboundBuffered();
    if (pending === 0 || pending + length <= maxOutboundBytes) return true;
    this.#sendPending();
    pending = this.outboundBuffered();
    if (pending === 0 || pending + length <= maxOutboundBytes) return true;
    this.breakOff(outboundOverflow(length, pending, maxOutboundBytes, this.remoteAddr));
    return false;
  }

  #openQueue(): OutboundQueue {
    let queue = this.#queue;
    if (queue === null) {
      queue = this.host.takeQueue();
      this.#queue = queue;
      const { window } = this;
      if (window !== null && window.directEnd > 0) {
        queue.push((window.slab as Slab).bytes, window.directStart, window.directEnd);
        window.directStart = window.directEnd = 0;
      }
    }
    return queue;
  }

  #crossHigh(): void {
    if (this.is(mark.aboveHigh)) return;
    this.marks |= mark.aboveHigh;
    this.overflowing();
  }

  /** As the very first bytes, below every layer: what a stream begins with before it is the program's. */
  sendAhead(bytes: Uint8Array): void {
    assert(this.outboundBuffered() === 0, 'nothing was sent before');
    const { readPool, driver } = this.host;
    const slab = readPool.take();
    slab.bytes.set(bytes);
    const taken = driver.send(this.slot, slab, 0, bytes.length);
    readPool.release(slab);
    if (taken !== bytes.length) this.breakOff(cutShort(bytes.length, this.remoteAddr));
  }

  // -- giving them to the kernel ------------------------------------------------------------------

  /** Sends what is pending and sees to what follows from that. */
  protected sendPending(): void {
    this.#sendPending();
    if (this.is(mark.aboveHigh)) this.#checkMarks();
    if (this.#queue === null && !this.writeBlocked && !this.isClosed) this.emptied();
  }

  #sendPending(): void {
    const { window } = this;
    if (window !== null && window.directEnd > 0) this.#sendDirect(window);
    const queue = this.#queue;
    if (queue === null || this.writeBlocked || this.isClosed) return;
    const before = queue.length;
    const empty = this.transport.flush(this.slot, queue);
    if (empty) {
      this.#queue = null;
      this.host.giveQueue(queue);
    } else {
      this.#block();
    }
    if (this.#flushWaiters?.taken(before - (empty ? 0 : queue.length))) this.#flushWaiters = null;
  }

  #sendDirect(window: ReadWindow): void {
    const slab = window.slab as Slab;
    const start = window.directStart;
    const end = window.directEnd;
    window.directStart = window.directEnd = 0;
    const taken = this.transport.send(this.slot, slab, start, end - start);
    if (taken === end - start) return;
    this.#block();
    if (taken < 0) return; // broken: `failed` follows
    try {
      const queue = this.#openQueue();
      queue.push(slab.bytes, start + taken, end);
      if (queue.length > this.host.settings.highWaterMark) this.#crossHigh();
    } catch (error) {
      this.breakOffFor(error);
    }
  }

  /**
   * There was no memory for what this connection has to send, of which a part may be queued already:
   * it goes, and nothing else does.
   * @throws any other error.
   */
  protected breakOffFor(error: unknown): void {
    if (!isMemoryLack(error)) throw error;
    this.breakOff(error);
  }

  #block(): void {
    this.marks |= mark.writeBlocked;
    this.blocked();
  }

  /** The driver takes bytes again. */
  protected unblock(): void {
    const wasStuck = this.events.preWrite && this.#stuck;
    this.marks &= ~mark.writeBlocked;
    if (wasStuck && this.#queue !== null) this.callPreWrite();
    if (this.isClosed) return;
    const before = this.outboundBuffered();
    this.sendPending();
    if (this.outboundBuffered() < before) this.lastProgress = this.host.now;
  }

  #checkMarks(): void {
    const pending = this.outboundBuffered();
    const { lowWaterMark, highWaterMark, closeOnOverflow } = this.host.settings;
    if (pending <= lowWaterMark) {
      this.marks &= ~mark.aboveHigh;
      this.drained();
    } else if (closeOnOverflow && pending > highWaterMark) {
      this.fail(tooSlow(pending, highWaterMark, this.remoteAddr), true);
    }
  }

  // -- waiting for it -----------------------------------------------------------------------------

  /** Settles when everything taken so far is in the kernel, or the connection is gone. */
  protected whenFlushed(): Promise<void> {
    const remaining = this.outboundBuffered();
    if (remaining === 0) return Promise.resolve();
    // What stands in the read slab must be counted with the queue.
    this.#openQueue();
    this.#flushWaiters ??= new FlushWaiters();
    return this.#flushWaiters.wait(remaining);
  }

  /** Pending output is not above the high watermark, or back at the low one. */
  get hasRoom(): boolean {
    return !this.is(mark.aboveHigh);
  }

  /** Resolves when there is room again, or the connection is gone. */
  async whenRoom(): Promise<void> {
    while (!this.hasRoom && !this.isClosed) {
      const pending = this.outboundBuffered();
      if (pending === 0) return;
      this.#openQueue();
      this.#flushWaiters ??= new FlushWaiters();
      const above = pending - this.host.settings.lowWaterMark;
      try {
        await this.#flushWaiters.wait(Math.max(above, 1));
      } catch {
        return;
      }
    }
  }

  /** The loop has ended without closing connections: nothing more is taken. */
  giveUpWaiting(): void {
    const waiters = this.#flushWaiters;
    this.#flushWaiters = null;
    waiters?.giveUp(this.remoteAddr);
  }

  /** The connection is gone: forgets what was pending and tells those who wait. */
  protected dropOutbound(): void {
    const { window } = this;
    if (window !== null) window.directStart = window.directEnd = 0;
    const queue = this.#queue;
    if (queue !== null) {
      this.#queue = null;
      queue.clear();
      this.host.giveQueue(queue);
    }
    this.giveUpWaiting();
  }
}

function checkBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new ErrInvalidReply(
    `cannot send a ${data === null ? 'null' : typeof data}: give a Uint8Array, a Buffer or a string`,
  );
}
