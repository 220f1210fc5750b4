import { assert } from '../base/assert.ts';
import type { HostedLoop, LoopHost } from './contract.ts';

/** The longest delay that a timer takes. */
const timerMsMax = 2 ** 31 - 1;

/**
 * For loops whose driver never sleeps: the runtime's own loop waits for the sockets, and gives a turn
 * when a driver or a loop asks for one, or when the next deadline has come. Nothing is scheduled in
 * between, so an idle server costs nothing. Loops keep the process alive; a client may have no socket
 * that would.
 */
class RuntimeDrivenHost implements LoopHost {
  readonly mode = 'runtime';
  #loops: HostedLoop[] = [];
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #keepAlive: NodeJS.Timeout | null = null;
  /** When the timer goes off, on the clock of `performance.now()`. */
  #timerDue = 0;
  #running = false;
  /** Asked for from inside a turn. */
  #again = false;

  attach(loop: HostedLoop): void {
    assert(!this.#loops.includes(loop), 'a loop is attached once');
    this.#loops = [...this.#loops, loop];
    this.#keepAlive ??= setInterval(() => {}, timerMsMax);
    this.requestTurn();
  }

  detach(loop: HostedLoop): void {
    this.#loops = this.#loops.filter((other) => other !== loop);
    if (this.#loops.length > 0) return;
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#immediate = null;
    this.#keepAlive = null;
    this.#clearTimer();
  }

  requestTurn(): void {
    if (this.#running) this.#again = true;
    else if (this.#immediate === null && this.#loops.length > 0) {
      this.#immediate = setImmediate(this.#turn);
    }
  }

  readonly #turn = (): void => {
    this.#immediate = null;
    this.#again = false;
    this.#running = true;
    const loops = this.#loops;
    for (const loop of loops) if (this.#loops.includes(loop)) loop.runDue();
    for (const loop of loops) if (this.#loops.includes(loop)) loop.wait(0);
    this.#running = false;
    this.#schedule();
  };

  /** Sees to the next turn. */
  #schedule(): void {
    let delayMs = this.#again ? 0 : -1;
    for (const loop of this.#loops) {
      const ours = loop.timeUntilDeadline();
      if (ours >= 0 && (delayMs < 0 || ours < delayMs)) delayMs = ours;
    }
    if (delayMs === 0) this.requestTurn();
    else if (delayMs > 0) this.#wakeIn(Math.min(delayMs, timerMsMax));
  }

  /** A timer that goes off earlier is left alone: its turn looks again. */
  #wakeIn(delayMs: number): void {
    const due = performance.now() + delayMs;
    if (this.#timer !== null) {
      if (this.#timerDue <= due) return;
      this.#clearTimer();
    }
    this.#timerDue = due;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.requestTurn();
    }, delayMs);
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** The host of this thread for drivers over the runtime's own sockets. */
export const runtimeDrivenHost: LoopHost & { requestTurn(): void } = new RuntimeDrivenHost();
