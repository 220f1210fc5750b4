/**
 * Numbers from a seed: the same seed gives the same run, so that a failure of a randomised test can
 * be repeated. Not for secrets.
 */
export class Random {
  readonly seed: number;
  #state: number;

  /** @param seed any number; its lower 32 bits count. */
  constructor(seed: number) {
    this.seed = seed;
    // Neighbouring seeds must not give similar runs: the first numbers mix them.
    this.#state = Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995;
    for (let round = 0; round < 4; round++) this.uint32();
  }

  /** 0..2^32-1. A Weyl sequence behind a multiply-and-shift mixer: every state is good. */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0..limit-1; 0 for a limit of 0 or 1. */
  below(limit: number): number {
    return limit <= 1 ? 0 : Math.floor((this.uint32() / 2 ** 32) * limit);
  }

  /** least..most, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True with `probability`, 0..1. */
  chance(probability: number): boolean {
    return probability > 0 && this.uint32() / 2 ** 32 < probability;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let index = 0; index < length; index++) bytes[index] = this.uint32() >>> 24;
    return bytes;
  }

  /** Puts the items in a random order, in place. */
  shuffle<Item>(items: Item[]): Item[] {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const item = items[last] as Item;
      items[last] = items[other] as Item;
      items[other] = item;
    }
    return items;
  }
}

/** The seed of this run: `GNET_SEED` where a failure is to be repeated, else a fresh one. */
export function seedOfRun(): number {
  const given = process.env['GNET_SEED'];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
