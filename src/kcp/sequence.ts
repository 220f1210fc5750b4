/** So many free places at the front are given back at once: each item is moved a bounded number of times. */
const freeMax = 1_024;

/** Items in order, found by their place. Its ends cost the same however long it is. */
export class Sequence<Item> {
  #items: (Item | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Undefined where there is none. */
  at(place: number): Item | undefined {
    return place < 0 ? undefined : this.#items[this.#first + place];
  }

  shift(): Item | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first++;
    if (this.length === 0) {
      this.#items.length = 0;
      this.#first = 0;
    } else if (this.#first >= freeMax && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}
