import { assert } from '../base/assert.ts';
import { ErrUnsupportedOp, type GnetError } from '../base/errors.ts';
import { isMemoryLack } from '../base/memory-lack.ts';
import { frameOverheadBytesMax, framesPerTurnMax } from '../base/limits.ts';
import type { Slab } from '../buffer/slab.ts';
import type { ICodec } from '../codec/codec.ts';
import { checkCodec } from '../codec/codec-for.ts';
import type { Bytes, Conn, ConnId } from './conn.ts';
import { HandlerSide } from './handler-side.ts';
import { toConnId } from './identity.ts';
import type { ConnectionReceiver } from './layer.ts';
import { poison } from './inbound-source.ts';
import { frameTooLong, inboundOverflow, neverFlushed, notWritable } from './limit-errors.ts';
import { codecError } from './reply.ts';
import type { UpgradeOptions } from './tls/upgrade.ts';
import { mark, pauseReason, State, task } from './states.ts';

/** The bytes of a frame; what is no frame of bytes is bounded by what the connection may hold. */
function lengthOf(frame: unknown): number {
  return frame instanceof Uint8Array ? frame.length : 0;
}

/** One stream connection, owned by one loop: its events, frames and replies. */
export class StreamConnection extends HandlerSide implements Conn, ConnectionReceiver {
  /** What `runTasks` has to do; bits of `task`. Not 0: the host has the connection on its list. */
  #tasks = 0;

  protected override get self(): StreamConnection {
    return this;
  }

  get connection(): StreamConnection {
    return this;
  }

  // -- what the loop tells ------------------------------------------------------------------------

  /** A layer below calls `opened` later: until then the program does not hear of the connection. */
  notOpenedYet(): void {
    this.marks |= mark.unopened;
  }

  /** The stream is open; calls `onOpened`. */
  opened(): void {
    this.marks &= ~mark.unopened;
    if (this.countsSilence) this.countFromNow();
    if (!this.events.onOpened) return;
    this.marks |= mark.handling;
    this.callOnOpened();
    this.leaveHandler();
    if (!this.isClosed) this.sendPending();
  }

  /** Bytes arrived. The hot path: decode, react, reply, one send. */
  received(slab: Slab, start: number, end: number): void {
    this.lastReceived = this.host.now;
    if (!this.delivers) return; // a closing connection reads to find the peer's end
    if (this.paused !== 0) {
      this.keep(slab, start, end); // a driver may have had it in flight when reading was paused
      this.#checkInbound(false);
      return;
    }
    this.marks |= mark.handling;
    this.enterSlab(this.host.readWindow, slab, start, end);
    const { window } = this;
    const first = window === null ? 0 : window.start;
    this.#pump();
    this.leaveHandler();
    if (!this.isClosed) this.sendPending();
    if (this.isClosed) {
      this.window = null;
      window?.leave();
      return;
    }
    const consumed = window === null ? 0 : window.start;
    this.leaveSlab();
    if (this.host.poisonFrames && slab.references === 1) slab.bytes.fill(poison, first, consumed);
  }

  /** The peer ended its side. */
  ended(): void {
    if (this.readEnded) return;
    this.marks |= mark.readEnded;
    if (this.state !== State.Open) {
      this.continueClose();
    } else if (this.paused === 0) {
      this.#inputFinished();
    } else {
      this.#waitForHandler();
    }
  }

  /** The peer ended its side without the last word of TLS: as `ended`, and `onClosed` has the error. */
  endedEarly(error: GnetError): void {
    this.cutOff(error);
    this.ended();
  }

  /** It has no reason of its own not to read. */
  get isReading(): boolean {
    return this.paused === 0 || this.state !== State.Open;
  }

  /** The peer has ended: what is pending has `closeTimeout` to finish, counted from now. */
  #waitForHandler(): void {
    if (this.host.settings.allowHalfOpen && !this.isCutOff) return;
    this.lastProgress = this.host.currentTime();
    this.armDeadline();
  }

  /** The driver takes bytes again. */
  writable(): void {
    if (!this.isClosed) this.unblock();
  }

  /** The scheduled flush. */
  flushPending(): void {
    this.marks &= ~mark.flushScheduled;
    if (!this.isClosed) this.sendPending();
  }

  /** What was put off until the loop has its hands free. */
  runTasks(): void {
    const tasks = this.#tasks;
    this.#tasks = 0;
    if ((tasks & task.abort) !== 0) this.abort(undefined);
    if (this.isClosed) return;
    this.marks |= mark.handling;
    if ((tasks & task.drain) !== 0) this.callOnDrain();
    if ((tasks & (task.wake | task.continue)) !== 0) this.runWakes();
    if ((tasks & task.continue) !== 0) this.#continueReading();
    if ((tasks & task.close) !== 0) this.beginRequestedClose();
    this.leaveHandler();
    if (!this.isClosed) this.sendPending();
  }

  /** The server stops, and the program hears of it; `closeWithServer` follows. */
  signalClose(): void {
    if (this.isClosed) return;
    if (this.state === State.Open) this.callSignalClose();
    if (this.state === State.Flushing) this.scheduleFlush(); // by an error just now
  }

  /** Something waits that is ours to do: frames, wakes, the promise of a handler, full output. */
  get isBusy(): boolean {
    return this.#tasks !== 0 || (this.paused & ~pauseReason.user) !== 0;
  }

  // -- Conn ---------------------------------------------------------------------------------------

  get id(): ConnId {
    return toConnId(this.host.index, this.slot, this.generation);
  }

  /** No new bytes are taken. */
  get isClosing(): boolean {
    return !this.takesBytes;
  }

  asyncWrite(data: Bytes): boolean {
    if (!this.takesBytes) return false;
    try {
      this.put(data, false);
    } catch (error) {
      this.breakOffFor(error);
    }
    return this.#written();
  }

  writeNoCodec(data: Bytes): boolean {
    if (!this.takesBytes) return false;
    try {
      this.putRaw(data);
    } catch (error) {
      this.breakOffFor(error);
    }
    return this.#written();
  }

  flushWrite(data: Bytes, noCodec = false): Promise<void> {
    if (!this.takesBytes) {
      return Promise.reject(notWritable(this.remoteAddr));
    }
    try {
      if (noCodec) this.putRaw(data);
      else this.put(data, false);
      this.#written();
      if (!this.isClosed) return this.whenFlushed();
    } catch (error) {
      if (!isMemoryLack(error)) return Promise.reject(error);
      this.breakOff(error);
    }
    return Promise.reject(neverFlushed(this.outboundBuffered(), this.remoteAddr));
  }

  sendTo(_data: Bytes): boolean {
    throw new ErrUnsupportedOp(
      'cannot send a datagram on a stream connection: sendTo is for UDP, use asyncWrite',
    );
  }

  pauseRead(): void {
    this.pause(pauseReason.user);
  }

  resumeRead(): void {
    this.resume(pauseReason.user);
  }

  setCodec(codec: ICodec<unknown>): void {
    checkCodec(codec, 'what setCodec was given');
    if (this.isClosed) return;
    this.useCodec(codec);
    // Without a frame in the making nobody else would ask the new one.
    if (this.bufferLength() > 0) {
      this.pause(pauseReason.turn);
      this.resume(pauseReason.turn);
    }
  }

  async upgradeTls(options: UpgradeOptions): Promise<void> {
    // At once: what comes behind this frame is no frame any more.
    const begun = this.tls === undefined && this.#beginUpgrade();
    // Loaded here, since few connections ever do this.
    const { upgrade } = await import('./tls/upgrade.ts');
    return upgrade(this.self, options, begun);
  }

  // -- frames -------------------------------------------------------------------------------------

  /** Cuts and delivers frames until there is none, or something makes the connection wait. */
  #pump(): void {
    const { maxFrameLength } = this.host.settings;
    let budget = framesPerTurnMax;
    while (this.paused === 0 && this.delivers) {
      if (budget-- === 0) {
        this.pause(pauseReason.turn);
        this.resume(pauseReason.turn);
        return;
      }
      if (this.window === null) this.ring?.beginFrame();
      let frame: unknown;
      try {
        frame = this.codec.decode(this);
      } catch (error) {
        this.fail(codecError('decode', error), false);
        return;
      }
      if (frame === null || frame === undefined) {
        if (this.bufferLength() > 0) this.#checkInbound(true);
        return;
      }
      const length = lengthOf(frame);
      if (length > maxFrameLength) this.#frameTooLong(length);
      else this.deliver(frame);
      if (this.is(mark.answerDue)) this.answered();
      if (this.ringView !== null) this.expireRingFrame(frame);
    }
  }

  /** Bounds what an unfinished frame, or a paused connection, may hold. */
  #checkInbound(unfinished: boolean): void {
    const { maxFrameLength, maxInboundBytes } = this.host.settings;
    const held = this.bufferLength();
    if (unfinished && held > maxFrameLength + frameOverheadBytesMax) {
      this.#frameTooLong(held);
    } else if (held > maxInboundBytes) {
      this.fail(inboundOverflow(held, maxInboundBytes, this.remoteAddr), true);
    }
  }

  #frameTooLong(length: number): void {
    const { maxFrameLength } = this.host.settings;
    this.fail(frameTooLong(length, maxFrameLength, this.remoteAddr), false);
  }

  // -- on the way to TLS ---------------------------------------------------------------------------

  /** No frame is delivered any more, and nothing is read. False when it cannot begin. */
  #beginUpgrade(): boolean {
    if (!this.takesBytes || this.readEnded || (this.paused & pauseReason.upgrade) !== 0)
      return false;
    this.pause(pauseReason.upgrade);
    return true;
  }

  /** Resolves when everything written so far is out. No bytes are taken meanwhile. */
  async clearOutbound(): Promise<void> {
    this.marks |= mark.clearing;
    try {
      this.scheduleFlush();
      await this.whenFlushed();
    } finally {
      this.marks &= ~mark.clearing;
    }
  }

  get isEnding(): boolean {
    return !this.takesBytes || this.readEnded;
  }

  /** What was received and is in no frame yet. */
  takeReceived(): Buffer {
    const bytes = Buffer.from(this.read());
    this.shiftN(-1);
    return bytes;
  }

  /** Reads below the pause: the layer of TLS gets it. */
  readHandshake(): void {
    this.transport.resumeReading(this.slot);
  }

  /** The handshake is over, or did not begin: frames are delivered again. */
  upgraded(): void {
    if (this.isClosed) return;
    this.resume(pauseReason.upgrade);
    // Other reasons hold: the handshake had reading go on.
    if (this.paused !== 0) this.transport.pauseReading(this.slot);
    this.scheduleFlush();
  }

  // -- pausing ------------------------------------------------------------------------------------

  protected override pause(reason: number): void {
    if (this.isClosed) return;
    if (this.paused === 0 && this.state === State.Open) this.transport.pauseReading(this.slot);
    this.paused |= reason;
  }

  protected override resume(reason: number): void {
    if ((this.paused & reason) === 0) return;
    this.paused &= ~reason;
    if (this.paused === 0 && this.state === State.Open) this.addTask(task.continue);
  }

  #continueReading(): void {
    if (this.paused !== 0 || this.state !== State.Open) return;
    this.#pump();
    if (this.paused !== 0 || this.state !== State.Open) return;
    if (this.readEnded) this.#inputFinished();
    else {
      this.transport.resumeReading(this.slot);
      this.readsAgain();
    }
  }

  /** Everything the peer sent has been delivered, and it sends no more. */
  #inputFinished(): void {
    if (!this.is(mark.endReported)) {
      this.marks |= mark.endReported;
      // Whoever takes an end for everything must not see one here.
      if (!this.isCutOff) this.callOnEnd();
    }
    // It comes back here once the promise has settled.
    if (this.handlerRuns) this.#waitForHandler();
    else if (this.isCutOff || !this.host.settings.allowHalfOpen || this.is(mark.writeShut)) {
      this.beginClose(undefined);
    }
    if (!this.isClosed && !this.is(mark.handling)) this.sendPending();
  }

  protected override overflowing(): void {
    if (this.host.settings.pauseOnOverflow) this.pause(pauseReason.overflow);
  }

  protected override drained(): void {
    this.resume(pauseReason.overflow);
    if (this.events.onDrain) this.addTask(task.drain);
  }

  // -- small things -------------------------------------------------------------------------------

  #written(): boolean {
    if (!this.is(mark.handling)) {
      // From a timer or a promise: the loop's own time is that of its last turn.
      if (this.countsSilence) this.lastWritten = this.host.currentTime();
      this.scheduleFlush();
    } else {
      this.lastWritten = this.host.now;
    }
    return !this.is(mark.aboveHigh) && !this.isClosed;
  }

  protected override scheduleFlush(): void {
    if (this.is(mark.flushScheduled | mark.handling)) return;
    this.marks |= mark.flushScheduled;
    this.host.scheduleFlush(this);
  }

  protected override addTask(bit: number): void {
    if (this.#tasks === 0) this.host.scheduleTasks(this);
    this.#tasks |= bit;
  }

  checkInvariants(): void {
    assert(
      this.isClosed || this.window === null || this.is(mark.handling),
      'bytes rest in the ring',
    );
    assert(
      this.state !== State.Closed || this.outboundBuffered() === 0,
      'a closed connection holds nothing',
    );
  }
}
