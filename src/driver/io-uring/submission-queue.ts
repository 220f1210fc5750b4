import { ioUringLayouts } from '../../platform/linux-io-uring.ts';
import type { RingMemory } from './ring-memory.ts';

const { size, fields } = ioUringLayouts.sqe;
const entryWords = size / 4;
const entryShift = Math.log2(entryWords);
// The first word is opcode, flags << 8 and ioprio << 16.
const descriptorWord = fields.fd.offset / 4;
const offsetWord = fields.off.offset / 4;
const addressWord = fields.addr.offset / 4;
const lengthWord = fields.len.offset / 4;
const flagsWord = fields.msg_flags.offset / 4;
const userDataWord = fields.user_data.offset / 4;
const groupWord = fields.buf_group.offset / 4;
const fileWord = fields.file_index.offset / 4;
const lastWord = fields.addr3.offset / 4;

/**
 * Entries on their way to the kernel, filled word by word.
 *
 *   head (the kernel's)        tail (ours)
 *   [ pushed | pushed | pushed ]  free ...      full: tail - head = entries
 */
export class SubmissionQueue {
  readonly #memory: RingMemory;
  readonly #entries: Int32Array;
  readonly #capacity: number;
  readonly #mask: number;
  #tail: number;
  /** What the kernel had consumed when last asked. */
  #head: number;
  /** The first word of the entry begun last. */
  #at = 0;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#entries = memory.entries;
    this.#capacity = memory.submissionEntries;
    this.#mask = memory.submissionEntries - 1;
    this.#tail = memory.words[memory.submissionTail] as number;
    this.#head = memory.words[memory.submissionHead] as number;
  }

  /** Entries the kernel has not consumed. */
  get pending(): number {
    return (this.#tail - this.#head) | 0;
  }

  get full(): boolean {
    return this.pending === this.#capacity;
  }

  /** Before entering the kernel: shows it the entries. Returns how many there are. */
  publish(): number {
    const { words, submissionTail } = this.#memory;
    Atomics.store(words, submissionTail, this.#tail);
    return this.pending;
  }

  /** After entering the kernel: what it took is free again, whatever the call returned. */
  update(): void {
    const { words, submissionHead } = this.#memory;
    this.#head = words[submissionHead] as number;
  }

  /**
   * Begins the next entry; there must be room. What it needs beyond this is set below, until the next
   * one begins.
   *
   * @param operation opcode | flags << 8 | ioprio << 16.
   */
  begin(operation: number, descriptor: number, tag: number, generation: number): void {
    const entries = this.#entries;
    const at = (this.#tail & this.#mask) << entryShift;
    this.#at = at;
    entries[at] = operation;
    entries[at + descriptorWord] = descriptor;
    entries[at + offsetWord] = 0;
    entries[at + offsetWord + 1] = 0;
    entries[at + addressWord] = 0;
    entries[at + addressWord + 1] = 0;
    entries[at + lengthWord] = 0;
    entries[at + flagsWord] = 0;
    entries[at + userDataWord] = tag;
    entries[at + userDataWord + 1] = generation;
    entries[at + groupWord] = 0;
    entries[at + fileWord] = 0;
    entries[at + lastWord] = 0;
    entries[at + lastWord + 1] = 0;
    entries[at + lastWord + 2] = 0;
    entries[at + lastWord + 3] = 0;
    this.#tail = (this.#tail + 1) | 0;
  }

  setAddress(low: number, high: number): void {
    this.#entries[this.#at + addressWord] = low;
    this.#entries[this.#at + addressWord + 1] = high;
  }

  /** Where the operation has a second one. */
  setSecondAddress(low: number, high: number): void {
    this.#entries[this.#at + offsetWord] = low;
    this.#entries[this.#at + offsetWord + 1] = high;
  }

  setLength(length: number): void {
    this.#entries[this.#at + lengthWord] = length;
  }

  /** Of the operation: msg_flags, accept_flags, poll events, cancel flags. */
  setFlags(flags: number): void {
    this.#entries[this.#at + flagsWord] = flags;
  }

  /** Bytes after which a multishot receive ends (6.17). */
  setReceiveLimit(bytes: number): void {
    this.#entries[this.#at + fileWord] = bytes;
  }
}
