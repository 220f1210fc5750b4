import { isPromise, whenSettled } from '../base/settled.ts';
import { Action } from '../connection/action.ts';
import type { TickReply } from '../connection/conn.ts';
import type { HandlerCalls } from '../connection/owner.ts';

const defaultDelayMs = 1_000;
const nothing = (): void => {};

export interface TickerOwner {
  currentTime(): number;
  /** The next call has its time. */
  tickScheduled(): void;
  requestShutdown(): void;
  report(message: string, error: unknown): void;
}

/**
 * Calls `tick`, the first time right after start, then after the delay that it returned. Never two at
 * once: with a promise the delay begins when it settles.
 */
export class Ticker {
  readonly #calls: HandlerCalls;
  readonly #owner: TickerOwner;
  /** When the next call is due; Infinity while a promise is open or after `stop`. */
  #due: number;
  #stopped = false;

  constructor(calls: HandlerCalls, owner: TickerOwner) {
    this.#calls = calls;
    this.#owner = owner;
    this.#due = owner.currentTime();
  }

  stop(): void {
    this.#stopped = true;
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** Milliseconds until the next call, -1 when none is to come. */
  timeUntilNext(now: number): number {
    return this.#due === Number.POSITIVE_INFINITY ? -1 : Math.max(0, this.#due - now);
  }

  runDue(now: number): boolean {
    if (now < this.#due) return false;
    this.#due = Number.POSITIVE_INFINITY;
    try {
      const { handler, scope } = this.#calls;
      const reply = scope.runInAsyncScope(handler.tick ?? nothing, handler);
      if (isPromise(reply)) {
        whenSettled(
          reply,
          (settled) => this.#settled(settled),
          (thrown) => this.#threw(thrown),
        );
      } else {
        this.#next(reply);
      }
    } catch (error) {
      this.#threw(error);
    }
    return true;
  }

  #settled(reply: TickReply): void {
    try {
      this.#next(reply);
    } catch (error) {
      this.#threw(error);
    }
  }

  #threw(error: unknown): void {
    this.#owner.report('tick failed; it is called again in a second', error);
    this.#next(defaultDelayMs);
  }

  #next(reply: TickReply): void {
    if (this.#stopped) return;
    const delay = Array.isArray(reply) ? reply[0] : reply;
    const valid = typeof delay === 'number' && Number.isFinite(delay);
    if (Array.isArray(reply) && reply[1] === Action.Shutdown) {
      this.stop();
      this.#owner.requestShutdown();
      return;
    }
    this.#due = this.#owner.currentTime() + (valid ? Math.max(1, delay) : defaultDelayMs);
    this.#owner.tickScheduled();
  }
}
