import { channels } from '../base/channels.ts';
import { GnetError } from '../base/errors.ts';
import type { ChannelMessages } from '../connection/channel-messages.ts';
import type { Driver } from '../driver/contract.ts';
import type { RepeatedReports } from '../logging/repeated-reports.ts';

/** A listener that the poller had no memory for tries again after that long. */
const retryMs = 1_000;

interface RestingListener {
  readonly listener: number;
  due: number;
}

/**
 * Which listeners accept: none before the start and after the stop, none while there are as many
 * connections as there may be, and not those that found no descriptor or memory until they have
 * rested.
 */
export class AcceptGate {
  readonly listeners: number[] = [];
  /** How often a listener had to rest. */
  rests = 0;
  readonly #driver: Driver;
  readonly #maxConnections: number;
  readonly #reports: RepeatedReports;
  readonly #currentTime: () => number;
  #accepting = false;
  #full = false;
  #resting: RestingListener[] = [];

  constructor(
    driver: Driver,
    maxConnections: number,
    reports: RepeatedReports,
    currentTime: () => number,
  ) {
    this.#driver = driver;
    this.#maxConnections = maxConnections;
    this.#reports = reports;
    this.#currentTime = currentTime;
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  get anyResting(): boolean {
    return this.#resting.length > 0;
  }

  /** @throws SyscallError if the poller has no room. */
  start(): void {
    this.#accepting = true;
    for (const listener of this.listeners) this.#driver.startAccepting(listener);
  }

  /** One more accepts, from now on or with the others. */
  add(listener: number): void {
    this.listeners.push(listener);
    if (this.#accepting && !this.#full) this.#tryToStart(listener);
  }

  /** Serves the waiting connections, unless another process does, and then closes the listener. */
  remove(listener: number): void {
    this.listeners.splice(this.listeners.indexOf(listener), 1);
    this.#resting = this.#resting.filter((resting) => resting.listener !== listener);
    if (this.#accepting) this.#driver.drainBacklog(listener);
  }

  /** Accepts what waits in the backlog, then refuses. */
  stop(): void {
    this.end();
    for (const listener of this.listeners) this.#driver.drainBacklog(listener);
  }

  /** Another process accepts from now on: their backlogs and paths stay. */
  leave(): void {
    this.end();
    for (const listener of this.listeners) this.#driver.leaveListener?.(listener);
  }

  /** Starts nothing any more, and leaves the listeners as they are. */
  end(): void {
    this.#accepting = this.#full = false;
    this.#resting = [];
  }

  /** So many are open now. */
  opened(connections: number): void {
    if (connections >= this.#maxConnections) this.fill();
  }

  /** There is no room: connections wait in the backlog until `makeRoom`. */
  fill(): void {
    if (!this.#accepting) return;
    this.#full = true;
    for (const listener of this.listeners) this.#driver.pauseAccepting(listener);
  }

  /** Those that rest start when they have rested. */
  makeRoom(): void {
    if (!this.#accepting) return;
    this.#full = false;
    for (const listener of this.listeners) {
      if (!this.#resting.some((resting) => resting.listener === listener)) {
        this.#tryToStart(listener);
      }
    }
  }

  /** So many are left: a descriptor is free, listeners need not rest or wait any longer. */
  closed(connections: number): void {
    if (!this.#accepting) return;
    for (const resting of this.#resting) resting.due = 0;
    if (this.#full && connections < this.#maxConnections) this.makeRoom();
  }

  rested(listener: number, error: GnetError, restMs: number): void {
    this.rests++;
    this.#tellRest(listener, error, restMs);
    // While connections come and go at the limit, one rest follows the other.
    this.#reports.report('accepting rests: a connection waits and is not given out', error, 'warn');
    // One that is being closed rests for good: its number means nothing any more.
    if (!this.#accepting || !this.listeners.includes(listener)) return;
    this.#resting = [...this.#resting, { listener, due: this.#currentTime() + restMs }];
  }

  /** Starts those that have rested; true when there was one. */
  runDue(now: number): boolean {
    let ran = false;
    for (const resting of this.#resting) {
      if (resting.due > now) continue;
      this.#resting = this.#resting.filter((other) => other !== resting);
      // While it is full, `makeRoom` starts all of them.
      if (!this.#full && this.#tryToStart(resting.listener)) this.#tellResume(resting.listener);
      ran = true;
    }
    return ran;
  }

  /** No memory for the poller is no reason to end a server that has connections. */
  #tryToStart(listener: number): boolean {
    try {
      this.#driver.startAccepting(listener);
      return true;
    } catch (error) {
      if (!(error instanceof GnetError)) throw error;
      this.rested(listener, error, retryMs);
      return false;
    }
  }

  #tellRest(listener: number, error: GnetError, restMs: number): void {
    if (!channels.acceptRest.hasSubscribers) return;
    const address = this.#driver.listenerAddress(listener);
    const message: ChannelMessages['gnet:accept.rest'] = { address, error, restMs };
    channels.acceptRest.publish(message);
  }

  #tellResume(listener: number): void {
    if (!channels.acceptResume.hasSubscribers) return;
    const message: ChannelMessages['gnet:accept.resume'] = {
      address: this.#driver.listenerAddress(listener),
    };
    channels.acceptResume.publish(message);
  }

  /** Milliseconds until the next one has rested, -1 for none. */
  timeUntilNext(now: number): number {
    let next = -1;
    for (const { due } of this.#resting) {
      const ms = Math.max(0, due - now);
      if (next < 0 || ms < next) next = ms;
    }
    return next;
  }
}
