/** Places that an empty queue keeps; a power of two. More than these are given back when it is empty. */
const keptCapacity = 1_024;
const firstCapacity = 16;

/**
 * A queue whose ends cost the same however long it is, and that allocates only when it grows.
 *
 *   items   [ . . | first ... | free ... ]     full: count = capacity, a power of two; wraps around
 */
export class Fifo<Item> {
  #items: (Item | undefined)[] = new Array<Item | undefined>(firstCapacity).fill(undefined);
  #first = 0;
  #count = 0;

  get length(): number {
    return this.#count;
  }

  push(item: Item): void {
    if (this.#count === this.#items.length) this.#resize(this.#items.length * 2);
    this.#items[(this.#first + this.#count) & (this.#items.length - 1)] = item;
    this.#count++;
  }

  peek(): Item | undefined {
    return this.#items[this.#first];
  }

  shift(): Item | undefined {
    if (this.#count === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.#count--;
    if (this.#count === 0 && this.#items.length > keptCapacity) this.#resize(keptCapacity);
    return item;
  }

  #resize(capacity: number): void {
    const items = new Array<Item | undefined>(capacity).fill(undefined);
    for (let index = 0; index < this.#count; index++) {
      items[index] = this.#items[(this.#first + index) & (this.#items.length - 1)];
    }
    this.#items = items;
    this.#first = 0;
  }
}
