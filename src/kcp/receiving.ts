import { ErrFrameTooLong } from '../index.ts';
import { ahead } from './segment.ts';
import { Sequence } from './sequence.ts';

interface Received {
  readonly frg: number;
  readonly data: Buffer;
}

/** Segments that have come, in order or not, until their message is whole and taken. */
export class Receiving {
  /** The first number that has not come. */
  next = 0;
  readonly #window: number;
  readonly #outOfOrder = new Map<number, Received>();
  readonly #inOrder = new Sequence<Received>();

  constructor(window: number) {
    this.#window = window;
  }

  /** What may still come. */
  get free(): number {
    return Math.max(0, this.#window - this.#inOrder.length);
  }

  /** Whether the number is not beyond the window: it is acknowledged then, also when it came before. */
  fits(sn: number): boolean {
    return ahead(sn, this.next + this.#window) < 0;
  }

  /** The data is copied. */
  came(sn: number, frg: number, data: Buffer): void {
    if (ahead(sn, this.next) < 0 || this.#outOfOrder.has(sn)) return;
    this.#outOfOrder.set(sn, { frg, data: Buffer.from(data) });
    this.#advance();
  }

  #advance(): void {
    while (this.#inOrder.length < this.#window) {
      const segment = this.#outOfOrder.get(this.next);
      if (segment === undefined) return;
      this.#outOfOrder.delete(this.next);
      this.#inOrder.push(segment);
      this.next = (this.next + 1) >>> 0;
    }
  }

  /** The next whole message, or null. @throws ErrFrameTooLong for one that can never become whole. */
  take(): Buffer | null {
    const first = this.#inOrder.at(0);
    if (first === undefined) return null;
    const count = first.frg + 1;
    if (count > this.#window) throw tooLong(count, this.#window);
    if (this.#inOrder.length < count) return null;
    const parts: Buffer[] = [];
    while (parts.length < count) parts.push((this.#inOrder.shift() as Received).data);
    this.#advance();
    return count === 1 ? first.data : Buffer.concat(parts);
  }
}

function tooLong(segments: number, window: number): ErrFrameTooLong {
  return new ErrFrameTooLong(
    `cannot receive a message of ${segments} segments: receiveWindow is ${window}; raise it, or send ` +
      'shorter messages',
  );
}
