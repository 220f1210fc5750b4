/** Calls of the handler that block their loop for longer than the program wants. */
import { channels } from '../base/channels.ts';
import type { Logger } from '../logging/logger.ts';
import type { Conn, EventHandler } from './conn.ts';

/** An event is reported at most once in that time. */
const windowMs = 1_000;

/** The events that run in a loop; `react` has its connection second, `tick` has none. */
export const timedEvents = [
  'onOpened',
  'onClosed',
  'preWrite',
  'react',
  'onDrain',
  'onEnd',
  'signalClose',
  'onError',
  'tick',
] as const satisfies readonly (keyof EventHandler)[];

export type TimedEvent = (typeof timedEvents)[number];
export class SlowHandlerReports {
  readonly #limitMs: number;
  readonly #loop: number;
  readonly #logger: Logger;
  /** When each event was reported last, and how many were left out since. */
  readonly #recent = new Map<TimedEvent, { at: number; leftOut: number }>();

  /** @param limitMs above 0. */
  constructor(limitMs: number, loop: number, logger: Logger) {
    this.#limitMs = limitMs;
    this.#loop = loop;
    this.#logger = logger;
  }

  /** A call has ended. */
  took(event: TimedEvent, ms: number, handler: object, c: Conn | undefined): void {
    if (ms >= this.#limitMs) this.#report(event, ms, handler, c);
  }

  #report(event: TimedEvent, ms: number, handler: object, c: Conn | undefined): void {
    const { loopSlow } = channels;
    if (loopSlow.hasSubscribers) {
      loopSlow.publish({ event, ms, connection: c, handler, loop: this.#loop });
    }
    const now = performance.now();
    const last = this.#recent.get(event);
    if (last !== undefined && now - last.at < windowMs) {
      last.leftOut++;
      return;
    }
    this.#recent.set(event, { at: now, leftOut: 0 });
    const { name } = handler.constructor ?? {};
    this.#logger.warn('a call of the handler blocked its loop (slowHandler)', {
      event,
      ms: Math.round(ms),
      limit: this.#limitMs,
      loop: this.#loop,
      ...(c !== undefined && { remote: c.remoteAddr }),
      ...(typeof name === 'string' && name !== 'Object' && { handler: name }),
      ...(last !== undefined && last.leftOut > 0 && { leftOut: last.leftOut }),
    });
  }
}
