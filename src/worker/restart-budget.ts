const windowMs = 60_000;
const restartsPerWindow = 5;
const firstDelayMs = 50;
const delayMsMax = 5_000;

/** Beyond this a loop is not expected back: too many restarts have failed already. */
export const soonMs = delayMsMax;

/** When a loop that died may be started again: soon, then less and less soon, at most 5 times a minute. */
export class RestartBudget {
  readonly #restarts: number[] = [];

  /** Milliseconds from `now` until the next start, which counts as done then. */
  take(now: number): number {
    while (this.#restarts.length > 0 && now - (this.#restarts[0] as number) >= windowMs) {
      this.#restarts.shift();
    }
    const recent = this.#restarts.length;
    let delay = Math.min(delayMsMax, firstDelayMs * 2 ** recent);
    if (recent >= restartsPerWindow) {
      const oldest = this.#restarts[recent - restartsPerWindow] as number;
      delay = Math.max(delay, oldest + windowMs - now);
    }
    this.#restarts.push(now + delay);
    return delay;
  }
}
