import { assert } from '../base/assert.ts';
import {
  ErrCodec,
  ErrConnClosed,
  ErrFrameTooLong,
  ErrHandler,
  ErrInboundOverflow,
  ErrInvalidReply,
  ErrTimeout,
  ErrUnsupportedOp,
  GnetError,
} from '../base/errors.ts';
import { asyncFrameCopyBytesMax, frameOverheadBytesMax, framesPerTurnMax } from '../base/limits.ts';
import type { Slab } from '../buffer/slab.ts';
import { Action } from './action.ts';
import type { Bytes, Conn, ConnId, Timeouts } from './conn.ts';
import type { Reply } from './event-handler.ts';
import type { ConnectionHost } from './host.ts';
import { toConnId } from './identity.ts';
import { OutboundSide } from './outbound-side.ts';
import { pauseReason, State, task } from './states.ts';

const poison = 0xdb;

/** One stream connection, owned by one loop. `docs/life-of-a-connection.md` draws its states. */
export class StreamConnection extends OutboundSide implements Conn {
  #state: State = State.Open;
  /** Why frames and reading wait; bits of `pauseReason`. Not 0: nothing is read. */
  #paused = 0;
  /** What `runTasks` has to do; bits of `task`. Not 0: the host has the connection on its list. */
  #tasks = 0;
  #wakes = 0;
  readEnded = false;
  #endReported = false;
  /** `end()` was called: half-close once everything is flushed. */
  #endRequested = false;
  #writeShut = false;
  /** `close()` was called: takes effect after the frames of this turn. */
  #closeRequested = false;
  /** Inside `received` or `runTasks`: whoever is there flushes at its end. */
  #handling = false;
  #flushScheduled = false;
  #closeError: Error | undefined = undefined;
  /** What an unsettled promise of the handler borrowed. */
  #lent: Slab | null = null;
  #timeouts: Required<Timeouts>;
  #lastActivity = 0;
  #lingerSince = 0;
  #remoteAddr: string | null = null;
  #localAddr: string | null = null;
  /** Links of the host's deadline wheel. */
  deadlineNext: StreamConnection | null = null;
  deadlinePrevious: StreamConnection | null = null;
  deadlineBucket = -1;

  constructor(host: ConnectionHost, slot: number, generation: number) {
    super(host, slot, generation);
    this.#timeouts = host.settings.timeouts;
  }

  // -- what the loop tells ------------------------------------------------------------------------

  /** The stream is open; calls `onOpened`. */
  opened(): void {
    const { calls } = this.host;
    if (this.#timeouts.idleTimeout > 0) this.#armDeadline();
    if (!calls.onOpened) return;
    this.#handling = true;
    try {
      this.#applyRaw(calls.handler.onOpened?.(this));
    } catch (error) {
      this.#handlerThrew('onOpened', error);
    }
    this.#handling = false;
    if (this.#state !== State.Closed) this.sendPending();
  }

  /** Bytes arrived. The hot path: decode, react, reply, one send. */
  received(slab: Slab, start: number, end: number): void {
    if (this.#state !== State.Open) return; // a closing connection reads to find the peer's end
    this.#lastActivity = this.host.now;
    if (this.#paused !== 0) {
      this.keep(slab, start, end); // a driver may have had it in flight when reading was paused
      this.#checkInbound(false);
      return;
    }
    this.#handling = true;
    this.enterSlab(slab, start, end);
    const first = this.slabStart;
    this.#pump();
    this.#handling = false;
    if (this.isClosed) return;
    this.sendPending();
    if (this.isClosed) return;
    const consumed = this.slab === null ? first : this.slabStart;
    this.leaveSlab();
    if (this.host.poisonFrames && slab.references === 1) slab.bytes.fill(poison, first, consumed);
  }

  /** The peer ended its side. */
  ended(): void {
    if (this.readEnded) return;
    this.readEnded = true;
    if (this.#state !== State.Open) {
      this.#continueClose();
    } else if (this.#paused === 0) {
      this.#inputFinished();
    } else if (!this.host.settings.allowHalfOpen) {
      this.#armDeadline(); // what is pending has `closeTimeout` to finish
    }
  }

  /** The transport is broken. */
  failed(error: GnetError): void {
    this.#finish(this.#closeError ?? (this.#state === State.Open ? error : undefined), true);
  }

  /** The driver takes bytes again. */
  writable(): void {
    if (!this.isClosed) this.unblock();
  }

  /** The scheduled flush. */
  flushPending(): void {
    this.#flushScheduled = false;
    if (!this.isClosed) this.sendPending();
  }

  /** What was put off until the loop has its hands free. */
  runTasks(): void {
    const tasks = this.#tasks;
    this.#tasks = 0;
    if (this.isClosed) return;
    this.#handling = true;
    if ((tasks & task.drain) !== 0 && this.#state === State.Open) this.#callOnDrain();
    if ((tasks & (task.wake | task.continue)) !== 0) this.#runWakes();
    if ((tasks & task.continue) !== 0) this.#continueReading();
    if ((tasks & task.close) !== 0) this.#beginClose(undefined);
    this.#handling = false;
    if (!this.isClosed) this.sendPending();
  }

  /** The time scheduled with the host has come. */
  deadlinePassed(): void {
    if (this.isClosed) return;
    const now = this.host.now;
    const { idleTimeout, writeTimeout, closeTimeout } = this.#timeouts;
    if (this.#state === State.Lingering) {
      if (now - this.#lingerSince >= closeTimeout) this.#finish(this.#closeError, true);
      else this.#armDeadline();
      return;
    }
    const stalledMs = now - this.lastProgress;
    const closing = this.#state === State.Flushing || this.readEnded;
    const stallMs = closing ? closeTimeout : writeTimeout;
    if ((this.writeBlocked || closing) && stallMs > 0 && stalledMs >= stallMs) {
      this.#timedOut(closing ? 'closeTimeout' : 'writeTimeout', stallMs);
    } else if (!closing && idleTimeout > 0 && now - this.#lastActivity >= idleTimeout) {
      this.#timedOut('idleTimeout', idleTimeout);
    } else {
      this.#armDeadline();
    }
  }

  /** The server stops: `signalClose` now, then the graceful close. */
  signalClose(): void {
    if (this.isClosed) return;
    const { calls } = this.host;
    if (calls.signalClose && this.#state === State.Open) {
      this.#handling = true;
      try {
        calls.handler.signalClose?.(this);
      } catch (error) {
        this.#handlerThrew('signalClose', error);
      }
      this.#handling = false;
    }
    this.close();
  }

  /** Closes now, whatever is pending. */
  abort(error: Error | undefined): void {
    this.#finish(this.#closeError ?? error, true);
  }

  // -- Conn ---------------------------------------------------------------------------------------

  get id(): ConnId {
    return toConnId(this.host.index, this.slot, this.generation);
  }

  get isClosed(): boolean {
    return this.#state === State.Closed;
  }

  /** No new bytes are taken. */
  get isClosing(): boolean {
    return !this.#writable;
  }

  get fd(): number {
    return this.isClosed ? -1 : this.host.driver.descriptorOf(this.slot);
  }

  get localAddr(): string {
    if (this.#localAddr === null && !this.isClosed) {
      this.#localAddr = this.host.driver.localAddress(this.slot);
    }
    return this.#localAddr ?? '';
  }

  get remoteAddr(): string {
    if (this.#remoteAddr === null && !this.isClosed) {
      this.#remoteAddr = this.host.driver.remoteAddress(this.slot);
    }
    return this.#remoteAddr ?? '';
  }

  asyncWrite(data: Bytes): boolean {
    if (!this.#writable) return false;
    this.put(data);
    return this.#written();
  }

  writeNoCodec(data: Bytes): boolean {
    if (!this.#writable) return false;
    this.putRaw(data);
    return this.#written();
  }

  flushWrite(data: Bytes, noCodec = false): Promise<void> {
    if (!this.#writable) {
      return Promise.reject(
        new ErrConnClosed(
          'cannot write: the connection is closed, closing or ended; nothing was sent',
        ),
      );
    }
    try {
      if (noCodec) this.putRaw(data);
      else this.put(data);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#written();
    return this.isClosed
      ? Promise.reject(
          new ErrConnClosed('cannot flush: the connection closed while it was written'),
        )
      : this.whenFlushed();
  }

  sendTo(_data: Bytes): boolean {
    throw new ErrUnsupportedOp(
      'cannot send a datagram on a stream connection: sendTo is for UDP, use asyncWrite',
    );
  }

  wake(): void {
    if (this.#state !== State.Open) return;
    this.#wakes++;
    this.#addTask(task.wake);
  }

  pauseRead(): void {
    this.#pause(pauseReason.user);
  }

  resumeRead(): void {
    this.#resume(pauseReason.user);
  }

  end(): void {
    if (!this.#writable) return;
    this.#endRequested = true;
    this.#scheduleFlush();
  }

  close(): void {
    if (this.#state !== State.Open || this.#closeRequested) return;
    this.#closeRequested = true;
    this.#addTask(task.close);
  }

  upgradeTls(_options: unknown): Promise<void> {
    return Promise.reject(
      new ErrUnsupportedOp('cannot upgrade to TLS: TLS is not built yet; put a TLS proxy in front'),
    );
  }

  setTimeouts(timeouts: Timeouts): void {
    this.#timeouts = { ...this.#timeouts, ...timeouts };
    this.#lastActivity = this.host.currentTime();
    this.#armDeadline();
  }

  // -- frames -------------------------------------------------------------------------------------

  /** Cuts and delivers frames until there is none, or something makes the connection wait. */
  #pump(): void {
    const { host, codec } = this;
    const { maxFrameLength } = host.settings;
    let budget = framesPerTurnMax;
    while (this.#paused === 0 && this.#state === State.Open) {
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
        this.#checkInbound(true);
        return;
      }
      if (frame.length > maxFrameLength) this.#frameTooLong(frame.length);
      else this.#deliver(frame);
    }
  }

  #deliver(frame: Buffer | null): void {
    const { host } = this;
    if (!host.calls.react) return;
    let lent = frame;
    if (host.asyncHandler && frame !== null && frame.length <= asyncFrameCopyBytesMax) {
      lent = Buffer.from(frame);
    }
    try {
      const reply = host.calls.handler.react?.(lent, this);
      if (reply === undefined || reply === null) return;
      if (reply === lent) this.putFrame(reply as Buffer);
      else this.#apply(reply as Reply | Promise<Reply>, lent);
    } catch (error) {
      this.#handlerThrew('react', error);
    }
  }

  /** Everything but the commonest replies. @throws what the codec throws. */
  #apply(reply: Reply | Promise<Reply>, lent: Buffer | null): void {
    if (reply === undefined || reply === null) return;
    if (typeof reply === 'number') this.#act(reply);
    else if (typeof reply === 'string' || reply instanceof Uint8Array) this.put(reply);
    else if (isPair(reply)) {
      if (reply[0] !== undefined && reply[0] !== null) this.put(reply[0]);
      this.#act(reply[1]);
    } else if (isThenable(reply)) this.#suspend(reply, lent, false);
    else throw invalidReply(reply);
  }

  /** `onOpened`: its bytes are sent as they are. */
  #applyRaw(reply: Reply | Promise<Reply>): void {
    if (reply === undefined || reply === null) return;
    if (typeof reply === 'number') this.#act(reply);
    else if (typeof reply === 'string' || reply instanceof Uint8Array) this.putRaw(reply);
    else if (isPair(reply)) {
      if (reply[0] !== undefined && reply[0] !== null) this.putRaw(reply[0]);
      this.#act(reply[1]);
    } else if (isThenable(reply)) this.#suspend(reply, null, true);
    else throw invalidReply(reply);
  }

  #act(action: number): void {
    if (action === Action.Close) this.#beginClose(undefined);
    else if (action === Action.Shutdown) this.host.requestShutdown();
  }

  /** The frame stays lent until the promise settles; later frames wait. */
  #suspend(promise: PromiseLike<Reply>, lent: Buffer | null, raw: boolean): void {
    this.#pause(pauseReason.handler);
    this.host.asyncHandler = true;
    const slab = this.slab;
    if (lent !== null && slab !== null && lent.buffer === slab.buffer) {
      this.host.readPool.retain(slab);
      this.#lent = slab;
    } else if (slab === null) {
      this.ring?.detach();
    }
    promise.then(
      (reply) => this.#settled(reply, raw),
      (error: unknown) => {
        if (!this.isClosed) this.#handlerThrew('react', error);
        this.#settled(undefined, raw);
      },
    );
  }

  #settled(reply: Reply, raw: boolean): void {
    if (this.#state === State.Open) {
      try {
        if (raw) this.#applyRaw(reply);
        else this.#apply(reply, null);
      } catch (error) {
        this.#handlerThrew('react', error);
      }
    }
    const lent = this.#lent;
    if (lent !== null) {
      this.#lent = null;
      this.host.readPool.release(lent);
    }
    if (this.isClosed) return;
    this.#scheduleFlush();
    this.#resume(pauseReason.handler);
  }

  /** Bounds what an unfinished frame, or a paused connection, may hold. */
  #checkInbound(unfinished: boolean): void {
    const { maxFrameLength, maxInboundBytes } = this.host.settings;
    const held = this.bufferLength();
    if (unfinished && held > maxFrameLength + frameOverheadBytesMax) {
      this.#frameTooLong(held);
    } else if (held > maxInboundBytes) {
      this.fail(
        new ErrInboundOverflow(
          `cannot hold ${held} bytes of an unfinished frame: maxInboundBytes is ${maxInboundBytes}; ` +
            'raise it, or use smaller frames',
        ),
        true,
      );
    }
  }

  #frameTooLong(length: number): void {
    const { maxFrameLength } = this.host.settings;
    this.fail(
      new ErrFrameTooLong(
        `cannot accept a frame of ${length} bytes: maxFrameLength is ${maxFrameLength}; raise it, or send less`,
      ),
      false,
    );
  }

  // -- pausing ------------------------------------------------------------------------------------

  #pause(reason: number): void {
    if (this.isClosed) return;
    if (this.#paused === 0 && this.#state === State.Open) this.host.driver.pauseReading(this.slot);
    this.#paused |= reason;
  }

  #resume(reason: number): void {
    if ((this.#paused & reason) === 0) return;
    this.#paused &= ~reason;
    if (this.#paused === 0 && this.#state === State.Open) this.#addTask(task.continue);
  }

  #continueReading(): void {
    if (this.#paused !== 0 || this.#state !== State.Open) return;
    this.#pump();
    if (this.#paused !== 0 || this.#state !== State.Open) return;
    if (this.readEnded) this.#inputFinished();
    else this.host.driver.resumeReading(this.slot);
  }

  /** Everything the peer sent has been delivered, and it sends no more. */
  #inputFinished(): void {
    if (this.#endReported) return;
    this.#endReported = true;
    const { calls, settings } = this.host;
    if (calls.onEnd) {
      try {
        calls.handler.onEnd?.(this);
      } catch (error) {
        this.#handlerThrew('onEnd', error);
      }
    }
    if (!settings.allowHalfOpen || this.#writeShut) this.#beginClose(undefined);
    if (!this.isClosed && !this.#handling) this.sendPending();
  }

  protected override overflowing(): void {
    if (!this.host.settings.closeOnOverflow) this.#pause(pauseReason.overflow);
  }

  protected override drained(): void {
    this.#resume(pauseReason.overflow);
    if (this.host.calls.onDrain) this.#addTask(task.drain);
  }

  protected override blocked(): void {
    this.lastProgress = this.host.currentTime();
    if (this.#timeouts.writeTimeout > 0) this.#armDeadline();
  }

  #callOnDrain(): void {
    try {
      this.host.calls.handler.onDrain?.(this);
    } catch (error) {
      this.#handlerThrew('onDrain', error);
    }
  }

  #runWakes(): void {
    const suspended = pauseReason.handler;
    while (this.#wakes > 0 && this.#state === State.Open && (this.#paused & suspended) === 0) {
      this.#wakes--;
      this.#deliver(null);
    }
  }

  // -- closing ------------------------------------------------------------------------------------

  protected override fail(error: GnetError, abort: boolean): void {
    if (abort) this.#finish(error, true);
    else this.#beginClose(error);
  }

  /** Open -> Flushing: no more frames; what is pending goes out. */
  #beginClose(error: Error | undefined): void {
    if (this.#state !== State.Open) return;
    this.#state = State.Flushing;
    this.#closeError = error;
    this.dropInbound();
    this.lastProgress = this.host.currentTime();
    // Reading goes on, and what is read is thrown away: closing with unread bytes would reset the
    // connection and destroy what was flushed.
    if (this.#paused !== 0 && !this.readEnded) this.host.driver.resumeReading(this.slot);
    this.#armDeadline();
    this.#scheduleFlush();
  }

  protected override emptied(): void {
    if (this.#state === State.Open && !this.#endRequested) return;
    this.#continueClose();
  }

  /** One step further, if nothing is pending: Flushing -> Lingering -> Closed. */
  #continueClose(): void {
    if (this.outboundBuffered() > 0) return;
    if (!this.#writeShut) {
      this.#writeShut = true;
      // A peer that has ended, too, sees the end by the close itself.
      if (!this.readEnded) this.host.driver.shutdownWrite(this.slot);
    }
    if (this.#state === State.Open) {
      if (this.readEnded && this.#endReported) this.#beginClose(undefined);
      return;
    }
    if (this.readEnded) {
      this.#finish(this.#closeError, false);
    } else if (this.#state === State.Flushing) {
      this.#state = State.Lingering;
      this.#lingerSince = this.host.currentTime();
      this.#armDeadline();
    }
  }

  /** -> Closed: the program hears of it, then the descriptor goes. */
  #finish(error: Error | undefined, abort: boolean): void {
    if (this.isClosed) return;
    const { host } = this;
    host.cancelDeadline(this);
    host.connectionClosing(this);
    this.#state = State.Closed;
    this.#callOnClosed(error);
    this.dropOutbound();
    this.dropInbound();
    this.slab = null;
    this.context = undefined;
    host.driver.closeStream(this.slot, abort);
    host.connectionClosed(this);
  }

  #callOnClosed(error: Error | undefined): void {
    const { calls } = this.host;
    if (!calls.onClosed) return;
    // The program may still ask for the addresses.
    try {
      const action = calls.handler.onClosed?.(this, error);
      if (action === Action.Shutdown) this.host.requestShutdown();
    } catch (thrown) {
      this.host.report('onClosed threw', thrown);
    }
  }

  #timedOut(name: string, limitMs: number): void {
    const hint =
      name === 'idleTimeout' ? 'nothing was received or sent' : 'pending bytes made no progress';
    this.#finish(
      new ErrTimeout(
        `closed the connection to ${this.remoteAddr}: ${hint} for ${limitMs} ms (${name})`,
      ),
      true,
    );
  }

  #handlerThrew(method: string, thrown: unknown): void {
    const error =
      thrown instanceof GnetError
        ? thrown
        : new ErrHandler(
            `closed the connection to ${this.remoteAddr}: ${method} threw ${String(thrown)}`,
            {
              cause: thrown,
            },
          );
    this.host.report(`${method} failed; its connection is closed`, thrown);
    this.fail(error, false);
  }

  // -- small things -------------------------------------------------------------------------------

  get #writable(): boolean {
    return this.#state === State.Open && !this.#closeRequested && !this.#endRequested;
  }

  #written(): boolean {
    this.#lastActivity = this.host.now;
    if (!this.#handling) this.#scheduleFlush();
    return !this.aboveHigh && !this.isClosed;
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#handling) return;
    this.#flushScheduled = true;
    this.host.scheduleFlush(this);
  }

  #addTask(bit: number): void {
    if (this.#tasks === 0) this.host.scheduleTasks(this);
    this.#tasks |= bit;
  }

  /** Asks the host for a call at the next limit that could pass. */
  #armDeadline(): void {
    const now = this.host.currentTime();
    const { idleTimeout, writeTimeout, closeTimeout } = this.#timeouts;
    let delay = Number.POSITIVE_INFINITY;
    const limit = (since: number, ms: number): void => {
      if (ms > 0) delay = Math.min(delay, Math.max(1, since + ms - now));
    };
    if (this.#state === State.Lingering) limit(this.#lingerSince, closeTimeout);
    else if (this.#state === State.Flushing || this.readEnded)
      limit(this.lastProgress, closeTimeout);
    else {
      limit(this.#lastActivity, idleTimeout);
      if (this.writeBlocked) limit(this.lastProgress, writeTimeout);
    }
    if (delay === Number.POSITIVE_INFINITY) this.host.cancelDeadline(this);
    else this.host.scheduleDeadline(this, delay);
  }

  checkInvariants(): void {
    assert(this.isClosed || this.slab === null || this.#handling, 'bytes rest in the ring');
    assert(!this.isClosed || this.outboundBuffered() === 0, 'a closed connection holds nothing');
  }
}

function isPair(reply: unknown): reply is readonly [Bytes | null | undefined, Action] {
  if (!Array.isArray(reply) || reply.length !== 2 || typeof reply[1] !== 'number') return false;
  const bytes: unknown = reply[0];
  return (
    bytes === null ||
    bytes === undefined ||
    typeof bytes === 'string' ||
    bytes instanceof Uint8Array
  );
}

function isThenable(reply: unknown): reply is PromiseLike<Reply> {
  return typeof (reply as { then?: unknown } | null)?.then === 'function';
}

function invalidReply(reply: unknown): ErrInvalidReply {
  const kind = Array.isArray(reply) ? 'array' : typeof reply;
  return new ErrInvalidReply(
    `cannot use the ${kind} that the handler returned: return bytes, an Action, [bytes, Action], nothing, or a promise of one`,
  );
}

function codecError(method: string, thrown: unknown): GnetError {
  if (thrown instanceof GnetError) return thrown;
  return new ErrCodec(`closed the connection: the codec's ${method} threw ${String(thrown)}`, {
    cause: thrown,
  });
}
