import type { GnetError } from '../base/errors.ts';
import { neverFlushed } from './connection-errors.ts';

/**
 * Resolves once the kernel has this many bytes, counted from what was taken when the first waiter came.
 */
interface FlushWaiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: GnetError) => void;
}

/** So many settled waiters are forgotten at once: each is moved a bounded number of times. */
const settledMax = 1_024;

/**
 * Who waits until pending bytes are in the kernel, in the order of the bytes: each flush looks at
 * those it settles and one more, however many there are.
 */
export class FlushWaiters {
  #waiters: FlushWaiter[] = [];
  /** The first one that has not settled. */
  #first = 0;
  /** Of the last one. */
  #last: Promise<void> = Promise.resolve();
  /** By the transport, which may still have some of it in its hands. */
  #taken = 0;

  /** Settles when everything taken so far, and `pending` more bytes, is in the kernel. */
  wait(pending: number): Promise<void> {
    const position = this.#taken + pending;
    const last = this.#waiters.at(-1);
    const isOpen = last !== undefined && this.#first < this.#waiters.length;
    // For the same bytes as the call before: however often somebody asks, one waiter is enough.
    if (isOpen && last.position === position) return this.#last;
    this.#last = new Promise((resolve, reject) => {
      this.#waiters.push({ position, resolve, reject });
    });
    return this.#last;
  }

  /** The transport took this many bytes; negative: it gives some back. */
  taken(count: number): void {
    this.#taken += count;
  }

  /** The kernel has everything that was taken. True if nobody waits any more. */
  handedOver(): boolean {
    let waiter = this.#waiters[this.#first];
    while (waiter !== undefined && waiter.position <= this.#taken) {
      waiter.resolve();
      this.#first++;
      waiter = this.#waiters[this.#first];
    }
    if (waiter === undefined) return true;
    if (this.#first >= settledMax && this.#first * 2 >= this.#waiters.length) {
      this.#waiters = this.#waiters.slice(this.#first);
      this.#first = 0;
    }
    return false;
  }

  /** Nothing more is taken. */
  giveUp(address: string): void {
    for (let index = this.#first; index < this.#waiters.length; index++) {
      const waiter = this.#waiters[index] as FlushWaiter;
      waiter.reject(neverFlushed(waiter.position - this.#taken, address));
    }
    this.#waiters = [];
  }
}
