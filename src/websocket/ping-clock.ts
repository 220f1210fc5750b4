import type { EventLoop } from '../index.ts';

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
 * Pings the WebSockets of one loop that are silent, and ends those that do not answer. A look at all of
 * them once in an interval costs less than a timer for each.
 *
 * It goes by the clock of the loop: an answer that came while the thread was blocked is heard before the
 * next look, and the time of a peer begins when the ping leaves.
 */
export class PingClock {
  readonly #loop: Pick<EventLoop, 'schedule'>;
  readonly #intervalMs: number;
  readonly #emptied: () => void;
  readonly #members = new Set<Pingable>();
  /** Calls the next look off. */
  #stop: (() => void) | null = null;

  /** @param emptied its last member is gone, and nobody need find it any more. */
  constructor(loop: Pick<EventLoop, 'schedule'>, intervalMs: number, emptied: () => void) {
    this.#loop = loop;
    this.#intervalMs = intervalMs;
    this.#emptied = emptied;
  }

  add(member: Pingable): void {
    this.#members.add(member);
    if (this.#stop === null) this.#lookLater();
  }

  remove(member: Pingable): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#stop?.();
    this.#stop = null;
    this.#emptied();
  }

  #lookLater(): void {
    this.#stop = this.#loop.schedule(this.#intervalMs, () => this.#look());
  }

  #look(): void {
    this.#lookLater();
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
