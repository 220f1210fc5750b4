import type { GnetError } from '../base/errors.ts';
import type { Timeouts } from './conn.ts';
import type { ConnectionHost } from './host.ts';
import { timedOut } from './limit-errors.ts';
import { OutboundSide } from './outbound-side.ts';
import type { ProxiedConnection } from './proxy-protocol/format.ts';
import { proxiedBy } from './proxy-protocol/proxied.ts';
import { mark, pauseReason, State, task } from './states.ts';
import type { StreamConnection } from './stream-connection.ts';

/**
 * The states of a connection (`states.ts` draws them), its time limits and the way to its end:
 * flush, half-close, read and discard until the peer's end, `onClosed`, out of the driver, `close(2)`.
 */
export abstract class ClosingSide extends OutboundSide {
  protected state: State = State.Open;
  /** Why frames and reading wait; bits of `pauseReason`. Not 0: nothing is read. */
  protected paused = 0;
  protected lastActivity = 0;
  #remoteAddr: string | null = null;
  #localAddr: string | null = null;
  #closeError: Error | undefined = undefined;
  #timeouts: Required<Timeouts>;
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
    this.#timeouts = { ...this.#timeouts, ...timeouts };
    if (this.isClosed) return;
    this.lastActivity = this.host.currentTime();
    this.armDeadline();
  }

  /** The transport is broken. */
  failed(error: GnetError): void {
    this.#finish(this.#closeError ?? (this.state === State.Open ? error : undefined), true);
  }

  /** Closes now, whatever is pending. */
  abort(error: Error | undefined): void {
    this.#finish(this.#closeError ?? error, true);
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

  /** The server stops. A handler at work may finish its answer, of which a part may have gone out. */
  protected closeWithServer(): void {
    if (!this.is(mark.closeRequested)) this.marks |= mark.closesWithServer;
    this.close();
  }

  /** What the program writes is taken: until the end of our side, or of the connection. */
  protected get takesBytes(): boolean {
    if (this.state !== State.Open || this.is(mark.endRequested | mark.unopened)) return false;
    return !this.is(mark.closeRequested) || (this.is(mark.closesWithServer) && this.handlerRuns);
  }

  /** The promise of an earlier frame has not settled. */
  protected get handlerRuns(): boolean {
    return (this.paused & pauseReason.handler) !== 0;
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
    this.#closeError = error;
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
    if (this.state === State.Open && !this.is(mark.endRequested)) return;
    this.continueClose();
  }

  /** One step further, if nothing is pending: Flushing -> Lingering -> Closed. */
  protected continueClose(): void {
    if (this.isClosed || this.outboundBuffered() > 0) return;
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
      this.#finish(this.#closeError, false);
    } else if (this.state === State.Flushing) {
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

  /** The time scheduled with the host has come. */
  deadlinePassed(): void {
    if (this.isClosed) return;
    const { now } = this.host;
    const { idleTimeout, writeTimeout, closeTimeout } = this.#timeouts;
    const passed = (since: number, limit: number): boolean => limit > 0 && now - since >= limit;
    if (this.state === State.Lingering) {
      // Everything was flushed: a peer that does not end is no error of ours.
      if (passed(this.lastProgress, closeTimeout)) this.#finish(this.#closeError, true);
    } else if (this.#leaving()) {
      if (passed(this.lastProgress, closeTimeout)) this.#leavingTooLong(closeTimeout);
    } else if (this.writeBlocked && passed(this.lastProgress, writeTimeout)) {
      this.#timedOut('writeTimeout', writeTimeout);
    } else if (passed(this.#lastTraffic, idleTimeout)) {
      this.#timedOut('idleTimeout', idleTimeout);
    }
    if (!this.isClosed) this.armDeadline();
  }

  /** Asks the host for a call at the next limit that could pass. */
  protected armDeadline(): void {
    const now = this.host.currentTime();
    const { idleTimeout, writeTimeout, closeTimeout } = this.#timeouts;
    let delay = Number.POSITIVE_INFINITY;
    const limit = (since: number, ms: number): void => {
      if (ms > 0) delay = Math.min(delay, Math.max(1, since + ms - now));
    };
    if (this.#leaving()) limit(this.lastProgress, closeTimeout);
    else {
      limit(this.#lastTraffic, idleTimeout);
      if (this.writeBlocked) limit(this.lastProgress, writeTimeout);
    }
    if (delay === Number.POSITIVE_INFINITY) this.host.cancelDeadline(this.self);
    else this.host.scheduleDeadline(this.self, delay);
  }

  /** A slow reader that takes what is pending is not idle. */
  get #lastTraffic(): number {
    return Math.max(this.lastActivity, this.lastProgress);
  }

  protected get hasIdleTimeout(): boolean {
    return this.#timeouts.idleTimeout > 0;
  }

  #leavingTooLong(limitMs: number): void {
    // A handler that does not come to an end holds up the close, not what is pending behind it.
    if (this.state === State.Open && this.is(mark.closeRequested)) this.beginClose(undefined);
    else this.#timedOut('closeTimeout', limitMs);
  }

  #timedOut(name: 'closeTimeout' | 'writeTimeout' | 'idleTimeout', limitMs: number): void {
    this.#finish(this.#closeError ?? timedOut(name, limitMs, this.remoteAddr), true);
  }
}
