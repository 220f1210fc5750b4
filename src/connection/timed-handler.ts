/** A handler whose calls are timed, for `slowHandler` and `histograms`. */
import type { Conn, EventHandler } from './conn.ts';
import type { LoopHistograms } from './loop-histograms.ts';
import { type SlowHandlerReports, type TimedEvent, timedEvents } from './slow-handler.ts';

type AnyEvent = (first?: unknown, second?: unknown) => unknown;

/** Found by its name in stacks: what is above it is the program's. */
function callTimed(
  methods: Record<TimedEvent, AnyEvent>,
  name: TimedEvent,
  first: unknown,
  second: unknown,
): unknown {
  return methods[name](first, second);
}

export class CallTimes {
  readonly #slow: SlowHandlerReports | null;
  readonly #histograms: LoopHistograms | null;

  constructor(slow: SlowHandlerReports | null, histograms: LoopHistograms | null) {
    this.#slow = slow;
    this.#histograms = histograms;
  }

  /** A handler with the same events, whose time is taken. What it has not stays absent. */
  timed(handler: EventHandler<unknown>): EventHandler<unknown> {
    const timed: Partial<Record<TimedEvent, AnyEvent>> = {};
    for (const name of timedEvents) {
      if (typeof handler[name] === 'function') timed[name] = this.#timedEvent(handler, name);
    }
    return timed as EventHandler<unknown>;
  }

  #timedEvent(handler: EventHandler<unknown>, name: TimedEvent): AnyEvent {
    // Looked up at each call: the program may replace a method.
    const methods = handler as Record<TimedEvent, AnyEvent>;
    const isReact = name === 'react';
    return (first, second) => {
      if (isReact) this.#measure(first);
      const began = performance.now();
      this.#slow?.began(began);
      try {
        return callTimed(methods, name, first, second);
      } finally {
        const ms = performance.now() - began;
        this.#histograms?.calls.record(ms);
        this.#slow?.took(name, ms, handler, (isReact ? second : first) as Conn | undefined);
      }
    };
  }

  #measure(frame: unknown): void {
    if (frame instanceof Uint8Array) this.#histograms?.frames.record(frame.length);
  }
}
