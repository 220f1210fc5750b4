/**
 * What stands between a loop and its handlers while somebody wants to know what they do: the time of
 * each call is taken (`slowHandler`, `histograms`), or `react` is traced. While nobody does, handlers
 * are called as they are. A loop has one.
 */
import { reactIsTraced } from '../base/channels.ts';
import type { Logger } from '../logging/logger.ts';
import type { EventHandler } from './conn.ts';
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
}

export class HandlerWatch {
  readonly calls: HandlerCalls;
  readonly #slow: SlowHandlerReports | null;
  readonly #times: CallTimes | null;
  readonly #handler: EventHandler<unknown>;
  readonly #events: { handler: EventHandler<unknown> };
  /** Of connections with a handler of their own: what is called, and what they were given. */
  readonly #given = new WeakMap<HandlerEvents, HandlerEvents>();
  #traced = false;

  /** Without a limit and histograms, no times are taken. */
  constructor(
    calls: HandlerCalls,
    settings: WatchSettings,
    histograms: LoopHistograms | null,
    logger: Logger,
  ) {
    const { slowHandlerMs = 0, slowHandlerAsked = false, index } = settings;
    const slow =
      slowHandlerMs > 0
        ? new SlowHandlerReports(slowHandlerMs, slowHandlerAsked, index, logger)
        : null;
    this.#slow = slow;
    const isTimed = slow !== null || histograms !== null;
    this.#times = isTimed ? new CallTimes(slow, histograms) : null;
    this.#handler = this.#times?.timed(calls.handler) ?? calls.handler;
    const events = { ...calls.events, handler: this.#handler };
    this.#events = events;
    const ofConnection = (own: HandlerEvents): HandlerEvents => this.#ofConnection(own);
    this.calls = { ...calls, handler: this.#handler, events, ofConnection };
  }

  /** Before each turn; `connections` are asked for only if something has changed. */
  look(connections: { connections(): Iterable<{ events: HandlerEvents }> }): void {
    if (reactIsTraced() === this.#traced) return;
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
  }

  #ofConnection(own: HandlerEvents): HandlerEvents {
    if (this.#times === null && !this.#traced) return own;
    const timed = this.#times?.timed(own.handler) ?? own.handler;
    const events = { ...own, handler: this.#traced ? tracedHandler(timed) : timed };
    this.#given.set(events, own);
    return events;
  }
}
