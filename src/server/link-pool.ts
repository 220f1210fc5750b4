import { wholeNumber } from '../base/option-checks.ts';
import type { Sendable } from '../connection/prepared.ts';
import type { Link, LinkOptions } from './link.ts';

/** How many links a pool has, and the options of each. */
export interface PoolOptions extends LinkOptions {
  /** 1 to 1,024. */
  readonly size: number;
}

/** Several links to one address that share the work. */
export interface LinkPool {
  readonly links: readonly Link[];
  /**
   * Returns the least busy link: of the links that are up, the one with the fewest pending
   * messages.
   */
  pick(): Link;
  /** `pick().write(data)`. */
  write(data: Sendable): boolean;
  /** Closes every link; resolves when all connections are gone. */
  close(): Promise<void>;
}

const poolSize = wholeNumber(1, 1_024, 'links');

export class ClientPool implements LinkPool {
  readonly links: readonly Link[];
  #turn = 0;

  /** @param make one link, which begins to connect. */
  constructor(size: number, make: () => Link) {
    this.links = Array.from({ length: poolSize('size', size) }, make);
  }

  pick(): Link {
    this.#turn++;
    const { links } = this;
    let best: Link | undefined;
    // In turn, so that equals share the work.
    for (let step = 0; step < links.length; step++) {
      const link = links[(this.#turn + step) % links.length] as Link;
      if (best === undefined || isBetter(link, best)) best = link;
    }
    return best as Link;
  }

  write(data: Sendable): boolean {
    return this.pick().write(data);
  }

  async close(): Promise<void> {
    await Promise.all(this.links.map((link) => link.close()));
  }
}

function rank({ conn, isOver }: Link): number {
  if (isOver) return 2;
  return conn === null ? 1 : 0;
}

function isBetter(one: Link, other: Link): boolean {
  const byRank = rank(one) - rank(other);
  return byRank === 0 ? one.pendingMessages < other.pendingMessages : byRank < 0;
}
