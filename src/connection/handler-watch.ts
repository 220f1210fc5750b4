/**
 * What stands between a loop and its handlers while somebody wants to know what they do: the time of
 * each call is taken (`slowHandler`, `histograms`), promises are followed (`leakDetection`), or `react`
 * is traced. While nobody does, handlers are called as they are. A loop has one.
 */
import { reactIsTraced } from '../base/channels.ts';
import type { Logger } from '../logging/logger.ts';
import { unseenLoop } from './conn-channels.ts';
import type { EventHandler } from './conn.ts';
import { followedHandler } from './followed-handler.ts';
import { type LeakClock, LeakWatch } from './leak-watch.ts';
import type { LeakSettings } from './leaks.ts';
import type { LoopHistograms } from './loop-histograms.ts';
import type { HandlerCalls, HandlerEvents } from './owner.ts';
import { SlowHandlerReports } from './slow-handler.ts';
import { CallTimes } from './timed-handler.ts';
import { tracedHandler } from './traced-handler.ts';

interface WatchSettings {
  /** The number of the loop. */
  readonly index: number;
  /** 0 is off. */
  readonly slowHandlerMs?: number;
  /** The program has asked for it, and wants stacks from the first call on. */
  readonly slowHandlerAsked?: boolean;
  /** Undefined: nothing is followed. */
  readonly leaks?: LeakSettings | undefined;
}

export class HandlerWatch {
  readonly calls: HandlerCalls;
  readonly leaks: LeakWatch | null;
  readonly #slow: SlowHandlerReports | null;
  readonly #times: CallTimes | null;
  readonly #handler: EventHandler<unknown>;
  readonly #events: { handler: EventHandler<unknown> };
  /** Of connections with a handler of their own: what is called, and what they were given. */
  readonly #given = new WeakMap<HandlerEvents, HandlerEvents>();
  #traced = false;
  readonly #isUnseen: boolean;

  /** Without a limit and histograms, no times are taken. @param clock of the loop. */
  constructor(
    calls: HandlerCalls,
    settings: WatchSettings,
    histograms: LoopHistograms | null,
    logger: Logger,
    clock: LeakClock,
  ) {
    const { slowHandlerMs = 0, slowHandlerAsked = false, leaks, index } = settings;
    this.#isUnseen = index === unseenLoop;
    const slow =
      slowHandlerMs > 0
        ? new SlowHandlerReports(slowHandlerMs, slowHandlerAsked, index, logger)
        : null;
    this.#slow = slow;
    const isTimed = slow !== null || histograms !== null;
    this.#times = isTimed ? new CallTimes(slow, histograms) : null;
    this.leaks = leaks === undefined ? null : new LeakWatch(leaks, clock, index, logger);
    this.#handler = this.#watched(calls.handler);
    const events = { ...calls.events, handler: this.#handler };
    this.#events = events;
    const ofConnection = (own: HandlerEvents): HandlerEvents => this.#ofConnection(own);
    this.calls = { ...calls, handler: this.#handler, events, ofConnection };
  }

  /** Before each turn; `connections` are asked for only if something has changed. */
  look(connections: { connections(): Iterable<{ events: HandlerEvents }> }): void {
    if (reactIsTraced() === this.#traced || this.#isUnseen) return;
    this.#traced = !this.#traced;
    this.#events.handler = this.#traced ? tracedHandler(this.#handler) : this.#handler;
    for (const connection of connections.connections()) {
      const { events } = connection;
      if (events !== this.calls.events) {
        connection.events = this.#ofConnection(this.#given.get(events) ?? events);
      }
    }
  }

  /** The loop is over. */
  close(): void {
    this.#slow?.close();
    this.leaks?.close();
  }

  /** What a loop calls while it traces nothing. */
  #watched(handler: EventHandler<unknown>): EventHandler<unknown> {
    const timed = this.#times?.timed(handler) ?? handler;
    return this.leaks === null ? timed : followedHandler(timed, this.leaks);
  }

  #ofConnection(own: HandlerEvents): HandlerEvents {
    if (this.#times === null && this.leaks === null && !this.#traced) return own;
    const watched = this.#watched(own.handler);
    const events = { ...own, handler: this.#traced ? tracedHandler(watched) : watched };
    this.#given.set(events, own);
    return events;
  }
}
