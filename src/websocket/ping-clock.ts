/** What the clock needs of a WebSocket. */
export interface Pingable {
  heard: boolean;
  pinged: boolean;
  /** Whether its silence since the last look says nothing of the peer. */
  isBusy(): boolean;
  ping(): void;
  terminate(): void;
}

/**
 * Pings the WebSockets of one handler that are silent, and ends those that do not answer. A look at all
 * of them once in an interval costs less than a timer for each.
 */
export class PingClock {
  readonly #intervalMs: number;
  readonly #members = new Set<Pingable>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  add(member: Pingable): void {
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#lookedAt = performance.now();
    this.#timer = setInterval(() => this.#look(), this.#intervalMs).unref();
  }

  remove(member: Pingable): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    const wasHeldUp = now - this.#lookedAt > 1.5 * this.#intervalMs;
    this.#lookedAt = now;
    // The process was stopped or blocked: the answers may wait in the kernel.
    if (wasHeldUp) return;
    for (const member of this.#members) {
      const isBusy = member.isBusy();
      if (member.heard || isBusy) {
        member.heard = false;
        member.pinged = false;
      } else if (member.pinged) member.terminate();
      else {
        member.pinged = true;
        member.ping();
      }
    }
  }
}
