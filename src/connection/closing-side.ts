import type { GnetError } from '../base/errors.ts';
import type { Timeouts } from './conn.ts';
import type { ConnectionHost } from './host.ts';
import { forcedToClose, timedOut } from './limit-errors.ts';
import { OutboundSide } from './outbound-side.ts';
import type { ProxiedConnection } from './proxy-protocol/format.ts';
import { proxiedBy } from './proxy-protocol/proxied.ts';
import { mark, pauseReason, State, task } from './states.ts';
import { type TlsInfo, tlsOf } from './tls/info.ts';
import type { StreamConnection } from './stream-connection.ts';
import { checkedTimeouts, type TimeLimits } from './timeouts.ts';

/**
 * The states of a connection (`states.ts` draws them), its time limits and the way to its end:
 * flush, half-close, read and discard until the peer's end, `onClosed`, out of the driver, `close(2)`.
 */
export abstract class ClosingSide extends OutboundSide {
  protected state: State = State.Open;
  /** Why frames and reading wait; bits of `pauseReason`. Not 0: nothing is read. */
  protected paused = 0;
  #remoteAddr: string | null = null;
  #localAddr: string | null = null;
  /** When the program last wrote, and when bytes last came; the host's clock. */
  protected lastWritten = 0;
  protected lastReceived = 0;
  /** `Transport.unsentBytes` as of the last look, and when that was. */
  #unsent = 0;
  #lookedAt = -1;
  #closeError: Error | undefined = undefined;
  #timeouts: TimeLimits;
  /** Links of the host's deadline wheel. */
  deadlineNext: StreamConnection | null = null;
  deadlinePrevious: StreamConnection | null = null;
  deadlineBucket = -1;

  constructor(host: ConnectionHost, slot: number, generation: number) {
    super(host, slot, generation);
    this.#timeouts = host.settings.timeouts;
  }

  protected abstract scheduleFlush(): void;
  /** Has the loop do what `task` says, when its hands are free. */
  protected abstract addTask(bit: number): void;
  /** This, for the host and the handler: the one class that extends this. */
  protected abstract get self(): StreamConnection;
  protected abstract callOnClosed(error: Error | undefined): void;

  get readEnded(): boolean {
    return this.is(mark.readEnded);
  }

  get isClosed(): boolean {
    return this.state >= State.Broken;
  }

  setTimeouts(timeouts: Timeouts): void {
    this.#timeouts = checkedTimeouts(timeouts, this.#timeouts);
    if (!this.isClosed) this.countFromNow();
  }

  /** Limits for silence begin to count. */
  protected countFromNow(): void {
    this.lastWritten = this.lastReceived = this.host.currentTime();
    this.armDeadline();
  }

  /** The transport is broken. */
  failed(error: GnetError): void {
    // While closing, a peer that breaks off is no error, unless it did not wait for what it was to get.
    const lost = this.state === State.Open || this.outboundBuffered() > 0;
    this.#finish(this.#closeError ?? (lost ? error : undefined), true);
  }

  /** Closes now, whatever is pending. */
  abort(error: Error | undefined): void {
    this.#finish(this.#closeError ?? error, true);
  }

  /** The server does not wait any longer. What the peer does not get then is told. */
  force(error: Error | undefined): void {
    const lost = error === undefined && !this.isClosed ? this.#bytesNotSent() : 0;
    this.abort(lost > 0 ? forcedToClose(lost, this.remoteAddr) : error);
  }

  /** The layer below has given up: what is pending cannot be sent; the stream ends in order. */
  refused(error: GnetError): void {
    if (this.isClosed) return;
    this.dropOutbound();
    this.beginClose(error);
  }

  /** What came was cut off: the close that follows has this error. */
  protected cutOff(error: GnetError): void {
    if (this.state === State.Open) this.#closeError ??= error;
  }

  protected get isCutOff(): boolean {
    return this.#closeError !== undefined;
  }

  protected override fail(error: GnetError, abort: boolean): void {
    if (abort) this.#finish(error, true);
    else this.beginClose(error);
  }

  /** See `Conn`: not `abort`, since `onClosed` must not come before the program's call has returned. */
  reset(): void {
    this.breakOff(undefined);
  }

  protected override breakOff(error: GnetError | undefined): void {
    if (this.isClosed) return;
    this.state = State.Broken;
    this.#closeError ??= error;
    this.dropInbound();
    this.addTask(task.abort);
  }

  close(): void {
    if (this.state !== State.Open || this.is(mark.closeRequested)) return;
    this.marks |= mark.closeRequested;
    this.lastProgress = this.host.currentTime();
    this.addTask(task.close);
  }

  /** The program knows of it. */
  get isOpened(): boolean {
    return !this.is(mark.unopened);
  }

  /** It is on its way to its end, or there already. */
  get hasLeft(): boolean {
    return this.state !== State.Open || this.is(mark.closeRequested);
  }

  get isPausedByProgram(): boolean {
    return (this.paused & pauseReason.user) !== 0;
  }

  /** The server stops, and a handler that is still at work has had its time. */
  closeWithoutAnswer(): void {
    this.beginClose(undefined);
  }

  /** The server stops. A handler at work may finish its answer, of which a part may have gone out. */
  closeWithServer(): void {
    if (!this.is(mark.closeRequested)) this.marks |= mark.closesWithServer;
    this.close();
  }

  /** What the program writes is taken: until the end of our side, or of the connection. */
  protected get takesBytes(): boolean {
    if (this.state !== State.Open || this.is(mark.endRequested | mark.unopened | mark.clearing)) {
      return false;
    }
    return !this.is(mark.closeRequested) || (this.is(mark.closesWithServer) && this.handlerRuns);
  }

  /** The promise of an earlier frame has not settled. */
  get handlerRuns(): boolean {
    return (this.paused & pauseReason.handler) !== 0;
  }

  /** See `Conn`. Inside a call of the handler, or while its promise is open, its answer goes first. */
  end(): void {
    if (!this.takesBytes) return;
    this.marks |= mark.endRequested;
    if (this.is(mark.handling) || this.handlerRuns) this.marks |= mark.answerDue;
    this.scheduleFlush();
  }

  /** After the call that called `end()`, or broke the connection, an answer has nowhere to go. */
  protected get takesAnswer(): boolean {
    const ends = this.marks & (mark.endRequested | mark.answerDue);
    return this.state === State.Open && ends !== mark.endRequested;
  }

  /** A call of the handler is over: what `end()` in it asked for takes effect. */
  protected answered(): void {
    if (!this.handlerRuns) this.marks &= ~mark.answerDue;
  }

  protected leaveHandler(): void {
    this.marks &= ~mark.handling;
    this.answered();
  }

  /** Frames reach the handler. After `close()` no more do, also of the same read. */
  protected get delivers(): boolean {
    const closing = this.marks & (mark.closeRequested | mark.closesWithServer);
    return this.state === State.Open && closing !== mark.closeRequested;
  }

  /** An answer that the handler is still working on has `closeTimeout` to go out before the close. */
  protected beginRequestedClose(): void {
    if (this.handlerRuns) this.armDeadline();
    else this.beginClose(undefined);
  }

  /** Open -> Flushing: no more frames; what is pending goes out. */
  protected beginClose(error: Error | undefined): void {
    if (this.state !== State.Open) return;
    this.state = State.Flushing;
    this.#closeError = error ?? this.#closeError;
    this.dropInbound();
    this.lastProgress = this.host.currentTime();
    // Reading goes on, and what is read is thrown away: closing with unread bytes would reset the
    // connection and destroy what was flushed.
    // Also when no reason to pause is left: the task that would have gone on reading does so no more.
    if (!this.readEnded) this.transport.resumeReading(this.slot);
    this.armDeadline();
    this.scheduleFlush();
  }

  protected override emptied(): void {
    if (this.state !== State.Open || this.is(mark.endRequested)) this.continueClose();
  }

  /** One step further, if nothing is pending: Flushing -> Lingering -> Closed. */
  protected continueClose(): void {
    if (this.isClosed || this.outboundBuffered() > 0) return;
    if (this.state === State.Open && this.is(mark.answerDue)) return;
    if (!this.is(mark.writeShut)) {
      this.marks |= mark.writeShut;
      // A peer that has ended, too, sees the end by the close itself.
      if (!this.readEnded) this.transport.shutdownWrite(this.slot);
    }
    if (this.state === State.Open) {
      if (this.readEnded && this.is(mark.endReported)) this.beginClose(undefined);
      return;
    }
    if (this.readEnded) {
      if (this.transport.handedOver(this.slot)) {
        this.#finish(this.#closeError, false);
        return;
      }
      this.marks |= mark.writeBlocked; // `writable` follows
    }
    if (this.state === State.Flushing) {
      this.state = State.Lingering;
      this.lastProgress = this.host.currentTime();
      this.armDeadline();
    }
  }

  /** -> Closed: the program hears of it, then the descriptor goes. */
  #finish(error: Error | undefined, abort: boolean): void {
    if (this.state >= State.Ending) return;
    const { host, self } = this;
    host.cancelDeadline(self);
    host.connectionClosing(self);
    this.state = State.Ending;
    this.callOnClosed(error);
    this.dropOutbound();
    this.dropInbound();
    this.window = null;
    this.context = undefined;
    this.state = State.Closed;
    this.transport.closeStream(this.slot, abort);
    host.connectionClosed(self);
  }

  // -- addresses ---------------------------------------------------------------------------------

  /** A proxy in front names other addresses than the socket's. */
  nameAddresses(local: string | undefined, remote: string | undefined): void {
    this.#localAddr = local ?? this.#localAddr;
    this.#remoteAddr = remote ?? this.#remoteAddr;
  }

  get proxied(): ProxiedConnection | undefined {
    return proxiedBy(this);
  }

  get tls(): TlsInfo | undefined {
    return tlsOf(this);
  }

  get fd(): number {
    return this.state === State.Closed ? -1 : this.host.driver.descriptorOf(this.slot);
  }

  get localAddr(): string {
    if (this.#localAddr === null && this.state !== State.Closed) {
      this.#localAddr = this.host.driver.localAddress(this.slot);
    }
    return this.#localAddr ?? '';
  }

  get remoteAddr(): string {
    if (this.#remoteAddr === null && this.state !== State.Closed) {
      this.#remoteAddr = this.host.driver.remoteAddress(this.slot);
    }
    return this.#remoteAddr ?? '';
  }

  // -- time limits --------------------------------------------------------------------------------

  protected override blocked(): void {
    this.lastProgress = this.host.currentTime();
    if (this.#timeouts.writeTimeout > 0) this.armDeadline();
  }

  /** The peer has ended or we are closing: only `closeTimeout` counts. */
  #leaving(): boolean {
    if (this.state !== State.Open || this.is(mark.closeRequested)) return true;
    return this.readEnded && !this.host.settings.allowHalfOpen;
  }

  /** The time scheduled with the host has come; up to `now` everything that arrived was handled. */
  deadlinePassed(now: number): void {
    if (this.isClosed) return;
    if (this.#leaving()) this.#checkLeaving(now);
    else this.#checkOpen(now);
    if (!this.isClosed) this.armDeadline();
  }

  #checkOpen(now: number): void {
    const { idleTimeout, readTimeout, writeTimeout } = this.#timeouts;
    if (this.writeBlocked && this.#isStuck(now, this.lastProgress, writeTimeout)) {
      this.#timedOut('writeTimeout', writeTimeout);
    } else if (this.#isRead(readTimeout) && now - this.lastReceived >= readTimeout) {
      this.#timedOut('readTimeout', readTimeout);
    } else if (this.#isStuck(now, this.#lastTraffic, idleTimeout)) {
      this.#timedOut('idleTimeout', idleTimeout);
    }
  }

  #checkLeaving(now: number): void {
    const { closeTimeout } = this.#timeouts;
    if (!this.#isStuck(now, this.#lastStep, closeTimeout)) return;
    // A handler that does not come to an end holds up the close, not what is pending behind it.
    if (this.state === State.Open && this.is(mark.closeRequested)) this.beginClose(undefined);
    else if (this.#bytesNotSent() > 0 || this.state !== State.Lingering) {
      this.#timedOut('closeTimeout', closeTimeout);
      // The peer's system has it all: that its program does not end is no error of ours.
    } else this.#finish(this.#closeError, false);
  }

  /** Whether nothing has moved since then, for that long. The kernel is asked before that is said. */
  #isStuck(now: number, since: number, limitMs: number): boolean {
    if (limitMs === 0 || now - since < untilLook(limitMs)) return false;
    if (this.#hasMoved(since)) {
      this.lastProgress = this.#lookedAt;
      return false;
    }
    return now - since >= limitMs;
  }

  /**
   * Asks whether bytes have left since the last look. The first look after `since` has nothing to
   * compare with: that some are on their way is enough.
   */
  #hasMoved(since: number): boolean {
    const isFirst = this.#lookedAt < since;
    const before = this.#unsent;
    this.#unsent = this.transport.unsentBytes(this.slot);
    this.#lookedAt = this.host.currentTime();
    return isFirst ? this.#unsent > 0 : this.#unsent >= 0 && this.#unsent < before;
  }

  /** Asks the host for a call when a limit could pass, or is worth a look. */
  protected armDeadline(): void {
    const now = this.host.currentTime();
    const { idleTimeout, readTimeout, writeTimeout, closeTimeout } = this.#timeouts;
    let due = Number.POSITIVE_INFINITY;
    if (this.#leaving()) due = this.#nextLook(this.#lastStep, closeTimeout);
    else {
      due = this.#nextLook(this.#lastTraffic, idleTimeout);
      if (this.#isRead(readTimeout)) due = Math.min(due, this.lastReceived + readTimeout);
      if (this.writeBlocked) due = Math.min(due, this.#nextLook(this.lastProgress, writeTimeout));
    }
    if (due === Number.POSITIVE_INFINITY) this.host.cancelDeadline(this.self);
    else this.host.scheduleDeadline(this.self, Math.max(1, due - now));
  }

  /** When a limit that counts from `since` is looked at next. */
  #nextLook(since: number, limitMs: number): number {
    if (limitMs === 0) return Number.POSITIVE_INFINITY;
    const end = since + limitMs;
    const hasLooked = this.#lookedAt >= since;
    // Nothing is there that could move, or nobody can tell.
    if (hasLooked && this.#unsent <= 0) return end;
    return Math.min(end, (hasLooked ? this.#lookedAt : since) + untilLook(limitMs));
  }

  /** A slow reader that takes what is pending is not idle. */
  get #lastTraffic(): number {
    return Math.max(this.lastWritten, this.lastReceived, this.lastProgress);
  }

  /**
   * Of a close. A peer whose system has everything, as far as can be known, may still be reading: one
   * that goes on sending would take a close for a break. It has longer, but not for ever.
   */
  get #lastStep(): number {
    const { lastProgress, lastReceived } = this;
    if (this.#unsent > 1 || lastReceived <= lastProgress) return lastProgress;
    return Math.min(lastReceived, lastProgress + chatLimits * this.#timeouts.closeTimeout);
  }

  /** Whether a peer that is silent for that long is the one to blame: we would have heard it. */
  #isRead(readTimeout: number): boolean {
    return readTimeout > 0 && this.paused === 0 && !this.readEnded;
  }

  /** Limits for silence are in use. */
  protected get countsSilence(): boolean {
    return this.#timeouts.idleTimeout > 0 || this.#timeouts.readTimeout > 0;
  }

  /** Reading goes on. */
  protected readsAgain(): void {
    if (this.#timeouts.readTimeout === 0) return;
    this.lastReceived = this.host.currentTime();
    this.armDeadline();
  }

  /** Bytes that the program wrote and that the peer's system does not have, as far as can be known. */
  #bytesNotSent(): number {
    const unsent = this.transport.unsentBytes(this.slot);
    const end = this.is(mark.writeShut) ? 1 : 0;
    return this.outboundBuffered() + Math.max(0, unsent - end);
  }

  #timedOut(name: keyof Timeouts, limitMs: number): void {
    const error = timedOut(name, limitMs, this.#bytesNotSent(), this.remoteAddr);
    this.#finish(this.#closeError ?? error, true);
  }
}

/** So many times `closeTimeout` the chat of a peer that has everything puts off the close. */
const chatLimits = 6;

/** A limit is looked at that long after the last progress, and again: so late can it be at most. */
function untilLook(limitMs: number): number {
  return Math.ceil(limitMs / 4);
}
