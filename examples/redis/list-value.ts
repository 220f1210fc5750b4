const FIRST_CAPACITY = 4;

/** A list that grows and shrinks at both ends, in a ring: `#head` is the first, `length` follow. */
export class ListValue {
  #items: (Uint8Array | undefined)[] = new Array<undefined>(FIRST_CAPACITY).fill(undefined);
  #head = 0;
  length = 0;

  at(index: number): Uint8Array {
    return this.#items[(this.#head + index) & (this.#items.length - 1)] as Uint8Array;
  }

  push(bytes: Uint8Array): void {
    this.#grow();
    this.#items[(this.#head + this.length++) & (this.#items.length - 1)] = bytes;
  }

  unshift(bytes: Uint8Array): void {
    this.#grow();
    this.#head = (this.#head - 1) & (this.#items.length - 1);
    this.#items[this.#head] = bytes;
    this.length++;
  }

  /** The list must not be empty. */
  pop(): Uint8Array {
    return this.#take((this.#head + --this.length) & (this.#items.length - 1));
  }

  /** The list must not be empty. */
  shift(): Uint8Array {
    const bytes = this.#take(this.#head);
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.length--;
    return bytes;
  }

  #take(index: number): Uint8Array {
    const bytes = this.#items[index] as Uint8Array;
    this.#items[index] = undefined;
    return bytes;
  }

  /** The capacity is a power of two. */
  #grow(): void {
    const capacity = this.#items.length;
    if (this.length < capacity) return;
    const ordered = [...this.#items.slice(this.#head), ...this.#items.slice(0, this.#head)];
    for (let index = 0; index < capacity; index++) ordered.push(undefined);
    this.#items = ordered;
    this.#head = 0;
  }
}
