/**
 * The memory that one event loop shares with every thread, in one SharedArrayBuffer:
 *
 *   control words | counters | mappings | histograms | working time | descriptor ledger | room words |
 *   lanes of the mailbox
 *
 * A handle of a connection carries this buffer and nothing else, so it works wherever it is sent.
 */
import type { DescriptorBits } from '../base/descriptor-bits.ts';
import { threadId } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { LeftCompletions, LeftMapping } from '../driver/descriptor-ledger.ts';
import { connectionCounters } from '../connection/connection-counts.ts';
import { loopHistogramNumbers } from '../connection/loop-histograms.ts';
import { sharedCounters } from '../loop/loop-counts.ts';
import { workingTimeNumbers } from '../loop/working-time.ts';
import type { LoopStats } from '../connection/server-view.ts';

/** Control words, by index into `words`. */
export const control = {
  /** One of `loopState`. */
  state: 0,
  /** Together they name this memory: the thread that made it, and a count within that thread. */
  creator: 1,
  serial: 2,
  /** The descriptor that wakes the loop, plus one; 0 where there is none. */
  wakeDescriptor: 3,
  /** Open stream connections. */
  connections: 4,
  /** Connections that were handed over and not taken yet. */
  handedOver: 5,
  /** The highest generation in use: a loop that takes over begins above it. */
  generation: 6,
  /** Odd while the loop may sleep; see `MailboxReader`. */
  sleepTicket: 7,
  /** One bit per lane with something in it; two words. */
  pending: 8,
  /** Goes up when a lane is given back. */
  lanesReleased: 10,
  /** What other threads asked for and gave up, because all lanes were taken for too long. */
  refusedWithoutLane: 11,
} as const;

export const loopState = {
  running: 0,
  /** The loop ended in order and refused what was left. */
  closed: 1,
  /** Its thread is gone; nothing in the mailbox will be done. */
  dead: 2,
} as const;

/** Counters as 64-bit floats: those of `sharedCounters` in their order, and behind them this. */
export const counter = {
  /**
   * From here on what the loops counted in whose place this one came, for `continuedCounters`: written
   * before it runs.
   */
  before: sharedCounters.length,
} as const;

/** Counters of a loop that continue from those of the loop that it replaces. */
export const continuedCounters = [
  'accepted',
  'closed',
  'bytesReceived',
  'bytesSent',
  'activeMs',
  'idleMs',
  ...connectionCounters,
] as const satisfies readonly (keyof LoopStats)[];

/** Words of a lane's header; each header has a cache line of its own. */
export const lane = {
  /** The writing thread: its id plus one, or 0 for none. */
  owner: 0,
  /** Bytes ever written and ever taken, modulo 2^32. */
  tail: 1,
  head: 2,
  /** The owner is between looking at the state and having woken the loop. */
  signalling: 3,
  /** The owner's thread is dead: the loop gives the lane back. */
  abandoned: 4,
} as const;

export const laneCount = 64;
/** Bytes of one lane's ring; a power of two. */
export const ringBytes = 65_536;

/** A live sender is between two steps of a wake for microseconds only; one that stays longer has died. */
const signallingWaitMs = 1_000;

const controlBytes = 256;
const counterCount = 64;
const countersOffset = controlBytes;
/** Further ones are not written down. */
const mappingCount = 8;
/** Numbers of each, as 64-bit floats: address, length, and the four of a ring of completions. */
const mappingFields = 6;
const mappingsOffset = countersOffset + counterCount * 8;
const histogramsOffset = mappingsOffset + mappingCount * mappingFields * 8;
/** Room for `loopHistogramNumbers`, in whole cache lines. */
const histogramBytes = Math.ceil((loopHistogramNumbers * 8) / 64) * 64;
const workingTimeOffset = histogramsOffset + histogramBytes;
const workingTimeBytes = Math.ceil((workingTimeNumbers * 8) / 64) * 64;
const ledgerOffset = workingTimeOffset + workingTimeBytes;
/** Descriptors from here on are not written down: a dead loop would leak them. */
const ledgerDescriptors = 2 ** 20;
const ledgerBytes = ledgerDescriptors / 8;
const roomOffset = ledgerOffset + ledgerBytes;
/** Connections share these by their slots; a power of two. */
const roomWordCount = 256;
const lanesOffset = roomOffset + roomWordCount * 4;
const laneHeaderBytes = 64;
const laneBytes = laneHeaderBytes + ringBytes;
const totalBytes = lanesOffset + laneCount * laneBytes;

const noCompletions: LeftCompletions = { head: 0, tail: 0, first: 0, entries: 0 };

assert(counter.before + continuedCounters.length <= counterCount, 'the counters have room');
assert(laneCount === 64, 'two words hold one bit for each lane');
assert(lanesOffset % laneHeaderBytes === 0, 'the header of a lane has a cache line of its own');

let made = 0;

export class LoopMemory {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly counters: Float64Array<SharedArrayBuffer>;
  readonly histograms: Float64Array<SharedArrayBuffer>;
  readonly workingTime: Float64Array<SharedArrayBuffer>;
  readonly bits: DescriptorBits;
  readonly #mappings: Float64Array<SharedArrayBuffer>;
  #key = '';

  constructor(buffer: SharedArrayBuffer) {
    assert(buffer.byteLength === totalBytes, 'this is the memory of a loop');
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.counters = new Float64Array(buffer, countersOffset, counterCount);
    this.histograms = new Float64Array(buffer, histogramsOffset, loopHistogramNumbers);
    this.workingTime = new Float64Array(buffer, workingTimeOffset, workingTimeNumbers);
    this.#mappings = new Float64Array(buffer, mappingsOffset, mappingCount * mappingFields);
    this.bits = { words: this.words, firstWord: ledgerOffset / 4, count: ledgerDescriptors };
  }

  /** Takes address space; pages become memory only when they are used. */
  static create(): LoopMemory {
    const memory = new LoopMemory(new SharedArrayBuffer(totalBytes));
    made++;
    memory.words[control.creator] = threadId + 1;
    memory.words[control.serial] = made;
    return memory;
  }

  /** Whether a value from another thread can be the memory of a loop. */
  static isBuffer(value: unknown): value is SharedArrayBuffer {
    return value instanceof SharedArrayBuffer && value.byteLength === totalBytes;
  }

  /** The same in every thread, whatever object the buffer is there. */
  get key(): string {
    if (this.#key === '') {
      this.#key = `${this.words[control.creator]}.${this.words[control.serial]}`;
    }
    return this.#key;
  }

  get state(): number {
    return Atomics.load(this.words, control.state);
  }

  get connections(): number {
    return Atomics.load(this.words, control.connections);
  }

  /** Connections for the balancer: open ones, and those on their way. */
  get load(): number {
    // In the order opposite to `arrived`: one that arrives meanwhile is counted twice, never left out.
    const onTheirWay = Atomics.load(this.words, control.handedOver);
    return onTheirWay + this.connections;
  }

  /** A connection that was on its way is open now. Only the loop calls this. */
  arrived(): void {
    Atomics.add(this.words, control.connections, 1);
    Atomics.sub(this.words, control.handedOver, 1);
  }

  /** Bytes in the mailbox that the loop has not taken yet. */
  get waitingBytes(): number {
    let waiting = 0;
    for (let index = 0; index < laneCount; index++) {
      // In this order: a tail that was read first could be behind a head that moved meanwhile.
      const head = Atomics.load(this.words, this.laneWord(index, lane.head));
      waiting += (Atomics.load(this.words, this.laneWord(index, lane.tail)) - head) | 0;
    }
    return waiting;
  }

  get highestGeneration(): number {
    return Atomics.load(this.words, control.generation);
  }

  /** The thread is gone: notifies all threads that wait for an answer. */
  markDead(): void {
    Atomics.store(this.words, control.state, loopState.dead);
    Atomics.store(this.words, control.connections, 0);
    for (let index = 0; index < laneCount; index++) this.notifyLane(index);
    Atomics.notify(this.words, control.lanesReleased);
    this.notifyRooms();
  }

  // -- descriptors --------------------------------------------------------------------------------

  /** The loop owns this descriptor from now on. */
  opened(descriptor: number): void {
    if (descriptor < 0 || descriptor >= ledgerDescriptors) return;
    Atomics.or(this.words, ledgerOffset / 4 + (descriptor >>> 5), 1 << (descriptor & 31));
  }

  /** Somebody else owns it from now on. */
  released(descriptor: number): void {
    if (descriptor < 0 || descriptor >= ledgerDescriptors) return;
    Atomics.and(this.words, ledgerOffset / 4 + (descriptor >>> 5), ~(1 << (descriptor & 31)));
  }

  /** Whether it is written down as open. */
  hasOpen(descriptor: number): boolean {
    if (descriptor < 0 || descriptor >= ledgerDescriptors) return false;
    const word = Atomics.load(this.words, ledgerOffset / 4 + (descriptor >>> 5));
    return (word & (1 << (descriptor & 31))) !== 0;
  }

  /** Everything that is written down as open. */
  descriptors(): number[] {
    const found: number[] = [];
    for (let index = 0; index < ledgerDescriptors / 32; index++) {
      const word = Atomics.load(this.words, ledgerOffset / 4 + index);
      for (let bit = 0; word !== 0 && bit < 32; bit++) {
        if ((word & (1 << bit)) !== 0) found.push(index * 32 + bit);
      }
    }
    return found;
  }

  // -- mappings: written by the loop, read once its thread is gone ---------------------------------

  /** The loop has mapped memory of one of its descriptors. */
  mapped({ address, byteLength, completions }: LeftMapping): void {
    const { head, tail, first, entries } = completions ?? noCompletions;
    for (let at = 0; at < this.#mappings.length; at += mappingFields) {
      if (this.#mappings[at] !== 0) continue;
      this.#mappings.set([address, byteLength, head, tail, first, entries], at);
      return;
    }
  }

  /** It is about to unmap it. */
  unmapping(address: number): void {
    for (let at = 0; at < this.#mappings.length; at += mappingFields) {
      if (this.#mappings[at] === address) this.#mappings[at] = 0;
    }
  }

  /** Everything that is written down as mapped. */
  mappings(): LeftMapping[] {
    const found: LeftMapping[] = [];
    for (let at = 0; at < this.#mappings.length; at += mappingFields) {
      const [address, byteLength, head, tail, first, entries] = this.#mappings.subarray(
        at,
        at + mappingFields,
      ) as unknown as [number, number, number, number, number, number];
      if (address === 0) continue;
      const completions = entries === 0 ? null : { head, tail, first, entries };
      found.push({ address, byteLength, completions });
    }
    return found;
  }

  // -- lanes --------------------------------------------------------------------------------------

  /** Index into `words` of a word of a lane's header. */
  laneWord(index: number, word: number): number {
    return (lanesOffset + index * laneBytes) / 4 + word;
  }

  /** Offset into `bytes` of a lane's ring. */
  ringStart(index: number): number {
    return lanesOffset + index * laneBytes + laneHeaderBytes;
  }

  // -- room for more output -----------------------------------------------------------------------

  /** Index of the word that goes up when a connection of that slot has room again, or is gone. */
  roomWord(slot: number): number {
    return roomOffset / 4 + (slot & (roomWordCount - 1));
  }

  madeRoom(slot: number): void {
    Atomics.add(this.words, this.roomWord(slot), 1);
    Atomics.notify(this.words, this.roomWord(slot));
  }

  /** The loop is over: wakes all threads that wait for room. */
  notifyRooms(): void {
    for (let slot = 0; slot < roomWordCount; slot++) this.madeRoom(slot);
  }

  // -- signals of lanes ---------------------------------------------------------------------------

  notifyLane(index: number): void {
    Atomics.notify(this.words, this.laneWord(index, lane.head));
  }

  /** The thread that made it: the one of the loop too, unless the main thread made it for another. */
  get creator(): number {
    return (this.words[control.creator] as number) - 1;
  }

  /**
   * Gives a lane back after its owner: everything in it has been answered. Wakes the one that has waited
   * for it longest; false if none waits.
   */
  releaseLane(index: number): boolean {
    Atomics.store(this.words, this.laneWord(index, lane.owner), 0);
    Atomics.add(this.words, control.lanesReleased, 1);
    return Atomics.notify(this.words, control.lanesReleased, 1) > 0;
  }

  /**
   * Waits until no thread is about to wake the loop. The loop's state must already say that it is
   * over, so that no thread starts to; then the wake descriptor may be closed.
   */
  awaitSignallers(): void {
    assert(this.state !== loopState.running, 'who still posts to a loop may always wake it');
    // For all of them together: many may have died at once.
    const end = performance.now() + signallingWaitMs;
    for (let index = 0; index < laneCount; index++) {
      const word = this.laneWord(index, lane.signalling);
      while (Atomics.load(this.words, word) !== 0 && performance.now() < end) {
        const released = Atomics.load(this.words, control.lanesReleased);
        Atomics.wait(this.words, control.lanesReleased, released, 1);
      }
    }
  }

  /** No lane became free: gives up this many posts. The loop notices at its next look. */
  refusedWithoutLane(posts: number): void {
    Atomics.add(this.words, control.refusedWithoutLane, posts);
    this.markPending(0);
  }

  /** Whether the loop is still to look at a lane. */
  isPending(index: number): boolean {
    const word = Atomics.load(this.words, control.pending + (index >>> 5));
    return (word & (1 << (index & 31))) !== 0;
  }

  /** Sets the bit that makes the loop look at a lane. */
  markPending(index: number): void {
    Atomics.or(this.words, control.pending + (index >>> 5), 1 << (index & 31));
  }
}
