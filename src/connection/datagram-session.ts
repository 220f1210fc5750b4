import { ErrUnsupportedOp, type GnetError } from '../base/errors.ts';
import { isSameHost } from '../base/inet-address.ts';
import { wholeNumber } from '../base/option-checks.ts';
import { errorOf } from '../base/thrown.ts';
import { isPromise, whenSettled } from '../base/settled.ts';
import type { Slab } from '../buffer/slab.ts';
import type { DatagramPeer } from '../driver/contract.ts';
import type { EventScope } from '../host/event-scope.ts';
import { Action } from './action.ts';
import type { Conn, EventHandler, Reply, Timeouts } from './conn.ts';
import { tellClose, tellOpen } from './conn-channels.ts';
import { DatagramConnection } from './datagram-connection.ts';
import type { DatagramOwner } from './datagram-owner.ts';
import type { Follower } from './follower.ts';
import { ownHandlerEvents } from './handler-events.ts';
import type { HandlerEvents, ScheduledDeadline } from './owner.ts';
import type { Sendable } from './prepared.ts';
import { timedOut } from './connection-errors.ts';
import { handlerError, kindOfReply, replyKind } from './reply.ts';
import type { SharedPeer } from './shared-peer.ts';
import { checkedTimeouts } from './timeout-values.ts';

type Event = (c: Conn, error?: Error) => unknown;
const ignore = (): void => {};

const typeOfService = wholeNumber(0, 255, 'the byte of the header');

/** Errors that were told and not heard yet: more than that are one like the other. */
const pendingErrorsMax = 16;

/** What happens to a session: see the states of a stream, of which it has the first and the last. */
const SessionState = { Opening: 0, Open: 1, Closing: 2, Closed: 3 } as const;
type SessionState = (typeof SessionState)[keyof typeof SessionState];

/** Who keeps the sessions. */
export interface SessionKeeper {
  /** It is over: nothing more comes for it. */
  ended(session: DatagramSession): void;
}

/**
 * All datagrams of one peer: of a socket that is connected to it, or of an endpoint with
 * `udpSessions`. It has a beginning, an end and a context, and still no order and no promise.
 */
export class DatagramSession extends DatagramConnection implements ScheduledDeadline {
  deadlineNext: ScheduledDeadline | null = null;
  deadlinePrevious: ScheduledDeadline | null = null;
  deadlineBucket = -1;
  deadlineDue = 0;
  /** The next one with the same hash. */
  nextOfHash: DatagramSession | null = null;
  readonly hash: number;
  /** Its socket is connected to the peer. */
  readonly #dialled: boolean;
  readonly #keeper: SessionKeeper;
  #idleTimeout: number;
  #lastActive: number;
  #state: SessionState = SessionState.Opening;
  #ownEvents: HandlerEvents | null = null;
  #ownScope: EventScope | null = null;
  #follower: Follower | null = null;
  /** Its peer has sent something. */
  #heard = false;
  #closeError: Error | undefined;
  #errors: GnetError[] = [];
  #scheduled = false;

  constructor(
    owner: DatagramOwner,
    keeper: SessionKeeper,
    endpoint: number,
    peer: SharedPeer,
    local: DatagramPeer | null,
    idleTimeout: number,
    hash: number,
    dialled: boolean,
  ) {
    super(owner, endpoint, peer, local);
    this.#keeper = keeper;
    this.#idleTimeout = idleTimeout;
    this.hash = hash;
    this.#dialled = dialled;
    this.#lastActive = owner.currentTime();
  }

  protected override get events(): HandlerEvents {
    return this.#ownEvents ?? this.owner.calls.events;
  }

  protected override get eventScope(): EventScope {
    return this.#ownScope ?? this.owner.calls.scope;
  }

  /** Events run in the async context of the code that dialled. */
  runIn(scope: EventScope): void {
    this.#ownScope = scope;
  }

  follow(follower: Follower): void {
    this.#follower = follower;
  }

  protected override get isOpen(): boolean {
    return this.#state < SessionState.Closed && this.owner.ports.isOpen(this.endpoint);
  }

  override get isClosed(): boolean {
    return this.#state === SessionState.Closed;
  }

  /** Whether datagrams still belong to it. */
  get isEnding(): boolean {
    return this.#state >= SessionState.Closing;
  }

  /** The session is abandoned before its first event: it gets no event. */
  abandon(): void {
    this.#state = SessionState.Closed;
    this.#keeper.ended(this);
  }

  /** Its first event. */
  open(): void {
    if (this.#state === SessionState.Opening) this.#state = SessionState.Open;
    this.#arm();
    tellOpen(this);
    this.#follower?.connectionOpened(this);
    if (this.#opens()) this.#openingAnswered();
  }

  /** Calls `onOpened`; false if its answer is to come. */
  #opens(): boolean {
    const { events } = this;
    if (!events.onOpened) return true;
    try {
      const reply = this.#call(events.handler.onOpened) as Reply;
      if (kindOfReply(reply) === replyKind.promise) {
        this.suspend('onOpened', reply as unknown as PromiseLike<Reply>, null, null);
        return false;
      }
      this.#applyOpening(reply);
    } catch (thrown) {
      this.handlerFailed('onOpened', thrown);
    }
    return true;
  }

  #openingAnswered(): void {
    // Also when it has closed the session: what waited for its answer still goes out behind that.
    const isOver = this.#state === SessionState.Closed || this.#closeError !== undefined;
    if (!isOver) this.#follower?.openingAnswered(this);
  }

  protected override settled(event: string): void {
    if (event === 'onOpened') this.#openingAnswered();
  }

  /** As bytes of `onOpened`: without `preWrite`. */
  #applyOpening(reply: Reply): void {
    if (kindOfReply(reply) === replyKind.bytes) this.sendTo(reply as Sendable);
    else this.apply(reply);
  }

  #call(event: unknown, error?: Error): unknown {
    const { handler } = this.events;
    return this.eventScope.runInAsyncScope(event as Event, handler, this, error);
  }

  /** Whether that is its address of ours: an answer leaves from where its peer sent to. */
  isAt(local: DatagramPeer | null): boolean {
    const own = this.local;
    if (own === local) return true;
    return own !== null && local !== null && isSameHost(own, local);
  }

  /** One more datagram of the peer, at the address of ours that it was sent to. */
  came(slab: Slab, start: number, end: number, local: DatagramPeer | null): void {
    this.local = local;
    this.typeOfService = this.owner.driver.typeOfService;
    this.#touch();
    this.#heard = true;
    this.receive(slab, start, end);
  }

  /** The network or the kernel reports an error of a sent datagram; the session continues. */
  failed(error: GnetError): void {
    if (this.isEnding || !this.events.onError) return;
    try {
      const answer = this.#call(this.events.handler.onError, error);
      if (!isPromise(answer)) return;
      whenSettled(answer, ignore, (thrown) => this.handlerFailed('onError', thrown));
    } catch (thrown) {
      this.handlerFailed('onError', thrown);
    }
  }

  protected override sent(): void {
    this.#touch();
  }

  /** Told from outside the call that was refused. */
  protected override refused(): void {
    if (!this.events.onError || this.#errors.length >= pendingErrorsMax) return;
    const error = this.owner.driver.datagramError();
    // The kernel has no room for now: `false` says it, and the next one may be taken.
    if (error.code === 'EAGAIN' || error.code === 'ENOBUFS') return;
    this.#errors.push(error);
    this.#schedule();
  }

  protected override act(action: number): void {
    if (action === Action.Close) this.close();
    else super.act(action);
  }

  protected override handlerFailed(event: string, thrown: unknown): void {
    this.owner.report(`${event} threw`, errorOf(thrown));
    if (this.isEnding) return;
    this.#closeError = handlerError(event, thrown, this.remoteAddr);
    this.#close();
  }

  // -- its end ------------------------------------------------------------------------------------

  #touch(): void {
    if (this.#idleTimeout > 0) this.#lastActive = this.owner.now;
  }

  /** As that of streams: what was stamped with `from` took place by `to`. */
  renewStamp(from: number, to: number): void {
    if (this.#lastActive === from) this.#lastActive = to;
  }

  #arm(): void {
    if (this.#idleTimeout > 0 && this.#state < SessionState.Closed) {
      const passed = this.owner.currentTime() - this.#lastActive;
      this.owner.scheduleDeadline(this, Math.max(1, this.#idleTimeout - passed));
    }
  }

  deadlinePassed(now: number): void {
    if (this.isEnding) return;
    if (now - this.#lastActive < this.#idleTimeout) return this.#arm();
    this.finish(timedOut('idleTimeout', this.#idleTimeout, 0, this.remoteAddr));
  }

  override setTimeouts(timeouts: Timeouts): void {
    const current = {
      idleTimeout: this.#idleTimeout,
      readTimeout: 0,
      writeTimeout: 0,
      closeTimeout: 0,
    };
    this.#idleTimeout = checkedTimeouts(timeouts, current).idleTimeout;
    this.#lastActive = this.owner.currentTime();
    if (this.#idleTimeout === 0) this.owner.cancelDeadline(this);
    else this.#arm();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.owner.scheduleTasks(this);
  }

  /** Does what was put off until the loop had handled its events. */
  runTasks(): void {
    this.#scheduled = false;
    const errors = this.#errors;
    this.#errors = [];
    for (const error of errors) this.failed(error);
    if (this.#state === SessionState.Closing) this.finish();
  }

  override close(): void {
    if (this.isEnding) return;
    this.#follower?.programLeaves(this, true);
    this.#close();
  }

  #close(): void {
    if (this.isEnding) return;
    this.#state = SessionState.Closing;
    this.#schedule();
  }
  override end(): void {
    this.close();
  }
  override reset(): void {
    this.close();
  }
  override destroy(): void {
    this.close();
  }

  /** It is over, at once: `onClosed`, and nothing after. */
  finish(error: Error | undefined = this.#closeError): void {
    if (this.#state === SessionState.Closed) return;
    this.#state = SessionState.Closed;
    this.owner.cancelDeadline(this);
    tellClose(this, error);
    this.#follower?.connectionClosed(this, error, this.#heard);
    const { events } = this;
    if (events.onClosed) {
      try {
        const answer = this.#call(events.handler.onClosed, error);
        if (isPromise(answer)) {
          whenSettled(answer, ignore, (thrown) => this.owner.report('onClosed threw', thrown));
        } else if (answer === Action.Shutdown) this.owner.requestShutdown();
      } catch (thrown) {
        this.owner.report('onClosed threw', thrown);
      }
    }
    this.context = undefined;
    this.#keeper.ended(this);
  }

  /** The server stops. */
  signalClose(): void {
    const { events } = this;
    if (this.isEnding || !events.signalClose) return;
    try {
      const answer = this.#call(events.handler.signalClose);
      if (!isPromise(answer)) return;
      this.owner.datagramWaits(1);
      const settled = (): void => this.owner.datagramWaits(-1);
      whenSettled(answer, settled, (thrown) => {
        this.handlerFailed('signalClose', thrown);
        settled();
      });
    } catch (thrown) {
      this.handlerFailed('signalClose', thrown);
    }
  }

  override setTypeOfService(value: number): void {
    if (!this.#dialled) return super.setTypeOfService(value);
    const checked = typeOfService('the type of service', value);
    if (this.isOpen) this.owner.driver.setTypeOfService(this.endpoint, checked);
  }

  override setHandler(handler: unknown): void {
    const events = ownHandlerEvents(handler as EventHandler<unknown>);
    if (this.#state >= SessionState.Closed) return;
    this.#ownEvents = this.owner.calls.ofConnection(events);
  }

  override setTimer(): () => void {
    throw new ErrUnsupportedOp(
      'cannot set a timer for a session of datagrams: use c.loop.schedule, and call that off in onClosed',
    );
  }
}
