import { assert } from '../base/assert.ts';
import { ErrUnsupportedOp } from '../base/errors.ts';
import { asyncFrameCopyBytesMax, frameOverheadBytesMax, framesPerTurnMax } from '../base/limits.ts';
import type { Slab } from '../buffer/slab.ts';
import { Action } from './action.ts';
import { ClosingSide } from './closing-side.ts';
import type { Bytes, Conn, ConnId } from './conn.ts';
import type { Reply } from './event-handler.ts';
import { toConnId } from './identity.ts';
import type { ConnectionReceiver } from './layer.ts';
import { poison } from './inbound-source.ts';
import { frameTooLong, inboundOverflow, neverFlushed, notWritable } from './limit-errors.ts';
import {
  codecError,
  handlerError,
  kindOfReply,
  type ReplyPair,
  replyKind,
  whenSettled,
} from './reply.ts';
import { mark, pauseReason, State, task } from './states.ts';

/** One stream connection, owned by one loop: its events, frames and replies. */
export class StreamConnection extends ClosingSide implements Conn, ConnectionReceiver {
  /** What `runTasks` has to do; bits of `task`. Not 0: the host has the connection on its list. */
  #tasks = 0;
  #wakes = 0;
  /** What an unsettled promise of the handler borrowed. */
  #lent: Slab | null = null;

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
    const { calls } = this.host;
    this.marks &= ~mark.unopened;
    if (this.hasIdleTimeout) {
      this.lastActivity = this.host.currentTime();
      this.armDeadline();
    }
    if (!calls.onOpened) return;
    this.marks |= mark.handling;
    try {
      this.#apply(calls.handler.onOpened?.(this), null, true);
    } catch (error) {
      this.#handlerThrew('onOpened', error);
    }
    this.marks &= ~mark.handling;
    if (!this.isClosed) this.sendPending();
  }

  /** Bytes arrived. The hot path: decode, react, reply, one send. */
  received(slab: Slab, start: number, end: number): void {
    if (this.state !== State.Open) return; // a closing connection reads to find the peer's end
    this.lastActivity = this.host.now;
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
    this.marks &= ~mark.handling;
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
    } else if (!this.host.settings.allowHalfOpen) {
      // What is pending has `closeTimeout` to finish, counted from now.
      this.lastProgress = this.host.currentTime();
      this.armDeadline();
    }
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
    if ((tasks & task.drain) !== 0) this.#callOnDrain();
    if ((tasks & (task.wake | task.continue)) !== 0) this.#runWakes();
    if ((tasks & task.continue) !== 0) this.#continueReading();
    if ((tasks & task.close) !== 0) this.beginRequestedClose();
    this.marks &= ~mark.handling;
    if (!this.isClosed) this.sendPending();
  }

  /** The server stops: `signalClose` now, then the graceful close. */
  signalClose(): void {
    if (this.isClosed) return;
    if (this.is(mark.unopened)) return this.abort(undefined);
    const { calls } = this.host;
    if (calls.signalClose && this.state === State.Open) {
      this.marks |= mark.handling;
      try {
        calls.handler.signalClose?.(this);
      } catch (error) {
        this.#handlerThrew('signalClose', error);
      }
      this.marks &= ~mark.handling;
    }
    this.closeWithServer();
    if (this.state === State.Flushing) this.scheduleFlush(); // by an error just now
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
    this.put(data, false);
    return this.#written();
  }

  writeNoCodec(data: Bytes): boolean {
    if (!this.takesBytes) return false;
    this.putRaw(data);
    return this.#written();
  }

  flushWrite(data: Bytes, noCodec = false): Promise<void> {
    if (!this.takesBytes) {
      return Promise.reject(notWritable(this.remoteAddr));
    }
    try {
      if (noCodec) this.putRaw(data);
      else this.put(data, false);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#written();
    return this.isClosed
      ? Promise.reject(neverFlushed(this.outboundBuffered(), this.remoteAddr))
      : this.whenFlushed();
  }

  sendTo(_data: Bytes): boolean {
    throw new ErrUnsupportedOp(
      'cannot send a datagram on a stream connection: sendTo is for UDP, use asyncWrite',
    );
  }

  wake(): void {
    if (this.state !== State.Open) return;
    this.#wakes++;
    this.addTask(task.wake);
  }

  pauseRead(): void {
    this.#pause(pauseReason.user);
  }

  resumeRead(): void {
    this.#resume(pauseReason.user);
  }

  end(): void {
    if (!this.takesBytes) return;
    this.marks |= mark.endRequested;
    this.scheduleFlush();
  }

  upgradeTls(_options: unknown): Promise<void> {
    return Promise.reject(
      new ErrUnsupportedOp('cannot upgrade to TLS: TLS is not built yet; put a TLS proxy in front'),
    );
  }

  // -- frames -------------------------------------------------------------------------------------

  /** Cuts and delivers frames until there is none, or something makes the connection wait. */
  #pump(): void {
    const { host, codec } = this;
    const { maxFrameLength } = host.settings;
    let budget = framesPerTurnMax;
    while (this.paused === 0 && this.state === State.Open) {
      if (budget-- === 0) {
        this.#pause(pauseReason.turn);
        this.#resume(pauseReason.turn);
        return;
      }
      let frame: Buffer | null;
      try {
        frame = codec.decode(this);
      } catch (error) {
        this.fail(codecError('decode', error), false);
        return;
      }
      if (frame === null) {
        if (this.bufferLength() > 0) this.#checkInbound(true);
        return;
      }
      if (frame.length > maxFrameLength) this.#frameTooLong(frame.length);
      else this.#deliver(frame);
      if (this.ringView !== null) this.expireRingFrame(frame);
    }
  }

  #deliver(frame: Buffer | null): void {
    const { host } = this;
    if (!host.calls.react) return;
    let lent = frame;
    if (host.asyncHandler && frame !== null && frame.length <= asyncFrameCopyBytesMax) {
      lent = Buffer.from(frame);
    }
    let reply: Reply | Promise<Reply>;
    try {
      reply = host.calls.handler.react?.(lent, this);
    } catch (error) {
      this.#handlerThrew('react', error);
      return;
    }
    if (reply === undefined || reply === null) return;
    try {
      if (reply === lent && this.#answers()) this.putFrame(reply as Buffer);
      else this.#apply(reply, lent, false);
    } catch (error) {
      this.#answerFailed(error);
    }
  }

  /**
   * Everything but the commonest replies. `raw`: of `onOpened`, whose bytes are sent as they are.
   * @throws what the codec throws.
   */
  #apply(reply: Reply | Promise<Reply>, lent: Buffer | null, raw: boolean): void {
    const kind = kindOfReply(reply);
    if (kind === replyKind.action) this.#act(reply as number);
    else if (kind === replyKind.bytes) this.#answer(reply as Bytes, raw);
    else if (kind === replyKind.pair) {
      const [bytes, action] = reply as ReplyPair;
      this.#answer(bytes, raw);
      this.#act(action);
    } else if (kind === replyKind.promise) {
      this.#suspend(reply as PromiseLike<Reply>, lent, raw);
    }
  }

  /** After `end()`, or when the call itself broke the connection, an answer has nowhere to go. */
  #answers(): boolean {
    return this.state === State.Open && !this.is(mark.endRequested);
  }

  #answer(data: Bytes | null | undefined, raw: boolean): void {
    if (data === undefined || data === null || !this.#answers()) return;
    if (raw) this.putRaw(data);
    else this.put(data, true);
  }

  #act(action: number): void {
    if (action === Action.Close) this.beginClose(undefined);
    else if (action === Action.Shutdown) this.host.requestShutdown();
  }

  /** The frame stays lent until the promise settles; later frames wait. */
  #suspend(promise: PromiseLike<Reply>, lent: Buffer | null, raw: boolean): void {
    this.#pause(pauseReason.handler);
    this.host.asyncHandler = true;
    // Also when this very call closed the connection, which is not paused then.
    this.ringView = null;
    const slab = this.window === null ? null : this.window.slab;
    if (lent !== null && slab !== null && lent.buffer === slab.buffer) {
      this.host.readPool.retain(slab);
      this.#lent = slab;
    } else if (slab === null) {
      this.ring?.detach();
    }
    whenSettled(
      promise,
      (reply) => this.#settled(reply, raw),
      (thrown) => {
        if (!this.isClosed) this.#handlerThrew(raw ? 'onOpened' : 'react', thrown);
        this.#settled(undefined, raw);
      },
    );
  }

  #settled(reply: Reply, raw: boolean): void {
    if (this.state === State.Open) {
      try {
        this.#apply(reply, null, raw);
      } catch (error) {
        this.#answerFailed(error);
      }
    }
    const lent = this.#lent;
    if (lent !== null) {
      this.#lent = null;
      this.host.readPool.release(lent);
    }
    if (this.isClosed) return;
    if (this.is(mark.closeRequested)) this.beginClose(undefined);
    this.scheduleFlush();
    this.#resume(pauseReason.handler);
    // They wait for the promise alone, not for other reasons to pause.
    if (this.#wakes > 0) this.addTask(task.wake);
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

  // -- pausing ------------------------------------------------------------------------------------

  #pause(reason: number): void {
    if (this.isClosed) return;
    if (this.paused === 0 && this.state === State.Open) this.transport.pauseReading(this.slot);
    this.paused |= reason;
  }

  #resume(reason: number): void {
    if ((this.paused & reason) === 0) return;
    this.paused &= ~reason;
    if (this.paused === 0 && this.state === State.Open) this.addTask(task.continue);
  }

  #continueReading(): void {
    if (this.paused !== 0 || this.state !== State.Open) return;
    this.#pump();
    if (this.paused !== 0 || this.state !== State.Open) return;
    if (this.readEnded) this.#inputFinished();
    else this.transport.resumeReading(this.slot);
  }

  /** Everything the peer sent has been delivered, and it sends no more. */
  #inputFinished(): void {
    if (this.is(mark.endReported)) return;
    this.marks |= mark.endReported;
    const { calls, settings } = this.host;
    if (calls.onEnd) {
      try {
        calls.handler.onEnd?.(this);
      } catch (error) {
        this.#handlerThrew('onEnd', error);
      }
    }
    if (!settings.allowHalfOpen || this.is(mark.writeShut)) this.beginClose(undefined);
    if (!this.isClosed && !this.is(mark.handling)) this.sendPending();
  }

  protected override overflowing(): void {
    if (this.host.settings.pauseOnOverflow) this.#pause(pauseReason.overflow);
  }

  protected override drained(): void {
    this.#resume(pauseReason.overflow);
    if (this.host.calls.onDrain) this.addTask(task.drain);
  }

  #callOnDrain(): void {
    // Above again since it drained: the program was told to wait once more, and one call follows.
    if (this.state !== State.Open || this.is(mark.aboveHigh)) return;
    try {
      this.host.calls.handler.onDrain?.(this);
    } catch (error) {
      this.#handlerThrew('onDrain', error);
    }
  }

  #runWakes(): void {
    // What the handler asks for meanwhile has its turn later: others must not starve.
    for (let left = Math.min(this.#wakes, framesPerTurnMax); left > 0; left--) {
      if (!this.#mayBeWoken()) return;
      this.#wakes--;
      this.#deliver(null);
    }
    if (this.#wakes > 0 && this.#mayBeWoken()) this.addTask(task.wake);
  }

  #mayBeWoken(): boolean {
    return this.state === State.Open && !this.handlerRuns;
  }

  /** It is malformed, or the codec cannot encode it. */
  #answerFailed(thrown: unknown): void {
    this.host.report('an answer cannot be sent; its connection is closed', thrown);
    this.fail(codecError('encode', thrown), false);
  }

  #handlerThrew(method: string, thrown: unknown): void {
    this.host.report(`${method} failed; its connection is closed`, thrown);
    this.fail(handlerError(method, thrown, this.remoteAddr), false);
  }

  // -- small things -------------------------------------------------------------------------------

  #written(): boolean {
    if (!this.is(mark.handling)) {
      // From a timer or a promise: the loop's own time is that of its last turn.
      if (this.hasIdleTimeout) this.lastActivity = this.host.currentTime();
      this.scheduleFlush();
    } else {
      this.lastActivity = this.host.now;
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
