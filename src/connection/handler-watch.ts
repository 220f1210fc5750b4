/**
 * What stands between a loop and its handlers while somebody wants to know what they do: the time of
 * each call is taken (`slowHandler`), or `react` is traced. While nobody does, handlers are called as
 * they are. A loop has one.
 */
import { reactIsTraced } from '../base/channels.ts';
import type { Logger } from '../logging/logger.ts';
import type { EventHandler } from './conn.ts';
import type { HandlerCalls, HandlerEvents } from './owner.ts';
import { SlowHandlerReports } from './slow-handler.ts';
import { tracedHandler } from './traced-handler.ts';

export class HandlerWatch {
  readonly calls: HandlerCalls;
  readonly #slow: SlowHandlerReports | null;
  readonly #handler: EventHandler<unknown>;
  readonly #events: { handler: EventHandler<unknown> };
  /** Of connections with a handler of their own: what is called, and what they were given. */
  readonly #given = new WeakMap<HandlerEvents, HandlerEvents>();
  #traced = false;

  /** @param slowMs 0: no times are taken. */
  constructor(calls: HandlerCalls, slowMs: number, loop: number, logger: Logger) {
    this.#slow = slowMs > 0 ? new SlowHandlerReports(slowMs, loop, logger) : null;
    this.#handler = this.#slow?.timed(calls.handler) ?? calls.handler;
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

  #ofConnection(own: HandlerEvents): HandlerEvents {
    if (this.#slow === null && !this.#traced) return own;
    const timed = this.#slow?.timed(own.handler) ?? own.handler;
    const events = { ...own, handler: this.#traced ? tracedHandler(timed) : timed };
    this.#given.set(events, own);
    return events;
  }
}
