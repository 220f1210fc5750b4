export interface Scored {
  readonly member: string;
  readonly score: number;
}

/**
 * Members by score, and by name where scores are the same. The highest stands first, so that the
 * lowest is popped.
 */
export class SortedSetValue {
  readonly #scores = new Map<string, number>();
  readonly #falling: Scored[] = [];

  get size(): number {
    return this.#falling.length;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  /** The one with that rank, counted from the lowest. */
  at(rank: number): Scored {
    return this.#falling[this.size - 1 - rank] as Scored;
  }

  /** True when the member is new. */
  set(member: string, score: number): boolean {
    const old = this.#scores.get(member);
    if (old === score) return false;
    if (old !== undefined) this.#falling.splice(this.#placeOf(member, old), 1);
    this.#scores.set(member, score);
    this.#falling.splice(this.#placeOf(member, score), 0, { member, score });
    return old === undefined;
  }

  delete(member: string): boolean {
    const score = this.#scores.get(member);
    if (score === undefined) return false;
    this.#scores.delete(member);
    this.#falling.splice(this.#placeOf(member, score), 1);
    return true;
  }

  /** Takes the lowest. The set must not be empty. */
  popMin(): Scored {
    const lowest = this.#falling.pop() as Scored;
    this.#scores.delete(lowest.member);
    return lowest;
  }

  /** Where such a one stands, or would stand. */
  #placeOf(member: string, score: number): number {
    let low = 0;
    let high = this.#falling.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const one = this.#falling[middle] as Scored;
      const isHigher = one.score > score || (one.score === score && one.member > member);
      if (isHigher) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
