import { ioUringConstants, ioUringLayouts } from '../../platform/linux-io-uring.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { kind, kindShift } from './completion-tags.ts';
import type { RingMemory } from './ring-memory.ts';

const { size, fields } = ioUringLayouts.cqe;
/** A completion in words: tag, generation, result, flags. */
export const completionWords: number = size / 4;
export const tagWord: number = fields.user_data.offset / 4;
export const generationWord: number = tagWord + 1;
export const resultWord: number = fields.res.offset / 4;
export const flagsWord: number = fields.flags.offset / 4;
const more = ioUringConstants.IORING_CQE_F_MORE;
/** Completions of a usual wait; the list grows when a call must keep more. */
const firstCapacity = 256;

/**
 * Completions, moved from the kernel's ring to a list of ours before any of them is handled: the
 * ring has room while handlers run, and a call that must wait for one completion keeps the others.
 */
export class CompletionQueue {
  readonly #memory: RingMemory;
  readonly #words: Int32Array;
  readonly #mask: number;
  #head: number;
  /** The moved completions, `completionWords` each; `count` of them are valid. */
  list: Int32Array<ArrayBuffer>;
  count = 0;
  /** Operations that ended, of all that were moved. */
  ended = 0;

  readonly #ledger: DescriptorLedger | undefined;

  constructor(memory: RingMemory, ledger: DescriptorLedger | undefined) {
    this.#memory = memory;
    this.#ledger = ledger;
    this.#words = memory.words;
    this.#mask = memory.completionEntries - 1;
    this.#head = memory.words[memory.completionHead] as number;
    this.list = new Int32Array(firstCapacity * completionWords);
  }

  /** Completions that wait in the kernel's ring. */
  get waiting(): number {
    return ((this.#words[this.#memory.completionTail] as number) - this.#head) | 0;
  }

  /** Moves completions behind those of the list, until that has `max` (it may have more already). */
  fill(max: number): void {
    const moved = Math.min(this.waiting, max - this.count);
    if (moved <= 0) return;
    if ((this.count + moved) * completionWords > this.list.length) this.#grow(this.count + moved);
    const { list } = this;
    const words = this.#words;
    const first = this.#memory.completions;
    let to = this.count * completionWords;
    let head = this.#head;
    for (let index = 0; index < moved; index++) {
      const from = first + (head & this.#mask) * completionWords;
      const flags = words[from + flagsWord] as number;
      const tag = words[from + tagWord] as number;
      const result = words[from + resultWord] as number;
      list[to + tagWord] = tag;
      list[to + generationWord] = words[from + generationWord] as number;
      list[to + resultWord] = result;
      list[to + flagsWord] = flags;
      if ((flags & more) === 0) this.ended++;
      // At once: what the program does with those in front of it may be the end of this thread.
      if (tag >>> kindShift === kind.accept && result >= 0) this.#ledger?.opened(result);
      to += completionWords;
      head = (head + 1) | 0;
    }
    this.#head = head;
    this.count += moved;
    // The kernel may use the places again from here on.
    Atomics.store(words, this.#memory.completionHead, head);
  }

  #grow(count: number): void {
    let length = this.list.length;
    while (length < count * completionWords) length *= 2;
    const grown = new Int32Array(length);
    grown.set(this.list);
    this.list = grown;
  }
}
