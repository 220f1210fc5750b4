/** Calls of the handler that block their loop for longer than the program wants. */
import { channels } from '../base/channels.ts';
import type { StackSampler } from '../host/stack-sampler.ts';
import type { Logger } from '../logging/logger.ts';
import { framesOfProgram, releaseStacks, useStacks } from './blocked-stacks.ts';
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

  /** Null until somebody is interested in stacks, and where there are none. */
  #stacks: StackSampler | null = null;
  #isOver = false;
  /** Calls that are running, one inside another; and those of them that the helper knows of. */
  #running = 0;
  #followed = 0;

  /**
   * @param limitMs above 0.
   * @param asked the program wants this: the first slow call has a stack. Otherwise the helper thread
   * starts only after one.
   */
  constructor(limitMs: number, asked: boolean, loop: number, logger: Logger) {
    this.#limitMs = limitMs;
    this.#loop = loop;
    this.#logger = logger;
    if (asked) this.#stacks = useStacks(limitMs, logger);
  }

  /** A call begins. */
  began(at: number): void {
    this.#running++;
    if (this.#stacks === null || this.#followed !== this.#running - 1) return;
    this.#followed++;
    this.#stacks.enter(at, this.#limitMs);
  }

  /** It has ended. */
  took(event: TimedEvent, ms: number, handler: object, c: Conn | undefined): void {
    let stack: string | undefined;
    if (this.#followed === this.#running) {
      this.#followed--;
      stack = this.#stacks?.leave();
    }
    this.#running--;
    if (ms >= this.#limitMs) this.#report(event, ms, handler, c, stack);
  }

  /** The loop is over. */
  close(): void {
    this.#isOver = true;
    if (this.#stacks !== null) releaseStacks(this.#stacks);
    this.#stacks = null;
  }

  #report(
    event: TimedEvent,
    ms: number,
    handler: object,
    c: Conn | undefined,
    taken: string | undefined,
  ): void {
    const { loopSlow } = channels;
    const stack = taken === undefined ? undefined : framesOfProgram(taken);
    if (loopSlow.hasSubscribers) {
      loopSlow.publish({ event, ms, connection: c, handler, loop: this.#loop, stack });
    }
    if (!this.#isOver) this.#stacks ??= useStacks(this.#limitMs, this.#logger);
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
      ...(stack !== undefined && { stack }),
      ...(typeof name === 'string' && name !== 'Object' && { handler: name }),
      ...(last !== undefined && last.leftOut > 0 && { leftOut: last.leftOut }),
    });
  }
}
