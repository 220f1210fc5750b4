import type { Inbox } from '../loop/mailbox-contract.ts';
import { control, type LoopMemory, lane, laneCount, loopState, ringBytes } from './loop-memory.ts';
import {
  byteInRing,
  bytesToRingEnd,
  recordBytes,
  recordField,
  recordHeaderBytes,
  recordKind,
  recordStatus,
  wordInRing,
} from './record.ts';

/** What the records ask the loop for. */
export interface MailboxTasks {
  /** `bytes` are lent for the call. One of `recordStatus`. */
  write(slot: number, generation: number, bytes: Uint8Array): number;
  /** The same for its safe context: a value, or the channel that asks for it. */
  setContext(slot: number, generation: number, bytes: Uint8Array): number;
  tellContext(slot: number, generation: number, channel: string): number;
  wake(slot: number, generation: number): void;
  close(slot: number, generation: number): void;
  /** A connection was handed over: seven words of an IP peer, or the name of a Unix peer. */
  accept(descriptor: number, peer: Int32Array | string): void;
  /** `taken` where there is room, or no such connection; `full`: its room word goes up later. */
  room(slot: number, generation: number): number;
  /** For the first time: other threads found no lane for so long that they gave up. */
  lanesExhausted(): void;
}

/** Bytes and records of one lane and turn: connections and other lanes have their turn then. */
const bytesPerTurnMax = ringBytes;

/**
 * The loop's side of its mailbox. Senders fill lanes of their own and set a bit in `pending`; the
 * loop takes the bits and empties those lanes.
 *
 * Who wakes whom: before the thread may sleep, `sleepTicket` is made odd, then `pending` is looked at;
 * a sender sets its bit, then looks at the ticket, and wakes when it is odd. One of the two always
 * sees the other. While the loop is busy, no thread makes a system call.
 */
export class MailboxReader implements Inbox {
  readonly #memory: LoopMemory;
  readonly #tasks: MailboxTasks;
  readonly #scratch = Buffer.allocUnsafeSlow(ringBytes);
  /** The first pieces of a long write, by lane. */
  readonly #pieces = new Map<number, Buffer[]>();
  /** Lanes that were not emptied in their turn; as `pending`. */
  #leftLow = 0;
  #leftHigh = 0;
  #ticket = 0;
  #toldOfExhaustion = false;
  #closed = false;

  constructor(memory: LoopMemory, tasks: MailboxTasks) {
    this.#memory = memory;
    this.#tasks = tasks;
  }

  drain(): boolean {
    const { words } = this.#memory;
    if ((this.#ticket & 1) === 1) {
      this.#ticket = (this.#ticket + 1) | 0;
      Atomics.store(words, control.sleepTicket, this.#ticket);
    }
    const low = this.#takeBits(0) | this.#leftLow;
    const high = this.#takeBits(1) | this.#leftHigh;
    if ((low | high) === 0 || this.#closed) return false;
    this.#leftLow = this.#leftHigh = 0;
    if (!this.#toldOfExhaustion && Atomics.load(words, control.refusedWithoutLane) > 0) {
      this.#toldOfExhaustion = true;
      this.#tasks.lanesExhausted();
    }
    for (let index = 0; index < laneCount; index++) {
      const bits = index < 32 ? low : high;
      if ((bits & (1 << (index & 31))) !== 0) this.#drainLane(index);
    }
    return true;
  }

  #takeBits(half: 0 | 1): number {
    const { words } = this.#memory;
    // Nearly always there are none, and looking costs less than exchanging.
    if (Atomics.load(words, control.pending + half) === 0) return 0;
    return Atomics.exchange(words, control.pending + half, 0);
  }

  aboutToSleep(): boolean {
    const { words } = this.#memory;
    if ((this.#leftLow | this.#leftHigh) !== 0) return true;
    // Never the same one twice: a sender that woke an earlier sleep may still move that ticket on.
    this.#ticket = (this.#ticket + ((this.#ticket & 1) === 1 ? 2 : 1)) | 0;
    Atomics.store(words, control.sleepTicket, this.#ticket);
    return (Atomics.load(words, control.pending) | Atomics.load(words, control.pending + 1)) !== 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { words } = this.#memory;
    Atomics.store(words, control.state, loopState.closed);
    // After this no thread uses the wake descriptor, and all posts are visible.
    this.#memory.awaitSignallers();
    Atomics.store(words, control.wakeDescriptor, 0);
    for (let index = 0; index < laneCount; index++) this.#refuseLane(index);
    Atomics.notify(words, control.lanesReleased);
    this.#memory.notifyRooms();
  }

  // -- one lane -----------------------------------------------------------------------------------

  #drainLane(index: number): void {
    const memory = this.#memory;
    const { words } = memory;
    const headWord = memory.laneWord(index, lane.head);
    const start = Atomics.load(words, headWord);
    const tail = Atomics.load(words, memory.laneWord(index, lane.tail));
    let head = start;
    while (head !== tail && (head - start) >>> 0 < bytesPerTurnMax) {
      head = this.#doRecord(index, head);
      // The answer to one record may have closed the loop.
      if (this.#closed) break;
    }
    Atomics.store(words, headWord, head);
    Atomics.notify(words, headWord);
    if (this.#closed) return;
    if (head !== tail) this.#lookAgain(index);
    else if (Atomics.load(words, memory.laneWord(index, lane.abandoned)) !== 0) {
      // Who abandons it signals in its name: a next owner's signalling must not be ended by that.
      const signalling = Atomics.load(words, memory.laneWord(index, lane.signalling));
      if (signalling === 0) this.#giveBack(index);
      else this.#lookAgain(index);
    }
  }

  #lookAgain(index: number): void {
    if (index < 32) this.#leftLow |= 1 << index;
    else this.#leftHigh |= 1 << (index & 31);
  }

  /** Its owner died; everything that it had finished has been done. */
  #giveBack(index: number): void {
    this.#pieces.delete(index);
    Atomics.store(this.#memory.words, this.#memory.laneWord(index, lane.abandoned), 0);
    this.#memory.releaseLane(index);
  }

  /** Does and answers one record; returns where the next one begins. */
  #doRecord(index: number, at: number): number {
    const { words } = this.#memory;
    const firstWord = this.#memory.ringStart(index) / 4;
    const read = (field: number): number => words[firstWord + wordInRing(at, field)] as number;
    const kind = read(recordField.kind);
    const slot = read(recordField.slot);
    const generation = read(recordField.generation);
    const length = read(recordField.byteLength);
    const answer = firstWord + wordInRing(at, recordField.status);
    const isAccept = kind === recordKind.accept || kind === recordKind.acceptNamed;
    // Before the answer: a thread that dies here has it or has it not, see `AcceptorLoop`.
    if (isAccept) this.#memory.opened(slot);
    // A context that a thread was about to send when it died is not on its way.
    if (kind !== recordKind.tellContext) words[answer] = recordStatus.taken;
    if (kind === recordKind.write) {
      const bytes = this.#whole(index, this.#bytes(index, at, length));
      words[answer] = this.#tasks.write(slot, generation, bytes);
    } else if (kind === recordKind.setContext) {
      const bytes = this.#whole(index, this.#bytes(index, at, length));
      words[answer] = this.#tasks.setContext(slot, generation, bytes);
    } else if (kind === recordKind.tellContext) {
      const channel = this.#bytes(index, at, length).toString();
      words[answer] = this.#tasks.tellContext(slot, generation, channel);
    } else if (kind === recordKind.piece) {
      this.#keepPiece(index, this.#bytes(index, at, length));
    } else if (kind === recordKind.room) {
      words[answer] = this.#tasks.room(slot, generation);
    } else if (kind === recordKind.wake) {
      this.#tasks.wake(slot, generation);
    } else if (kind === recordKind.close) {
      this.#tasks.close(slot, generation);
    } else if (kind === recordKind.accept) {
      const peer = new Int32Array(Uint8Array.from(this.#bytes(index, at, length)).buffer);
      this.#tasks.accept(slot, peer);
    } else if (kind === recordKind.acceptNamed) {
      this.#tasks.accept(slot, this.#bytes(index, at, length).toString());
    }
    return (at + recordBytes(length)) | 0;
  }

  /** The bytes of a record in memory that no other thread has; good until the next record. */
  #bytes(index: number, at: number, length: number): Buffer {
    const { bytes } = this.#memory;
    const ring = this.#memory.ringStart(index);
    const from = ring + byteInRing(at, recordHeaderBytes);
    const first = Math.min(length, bytesToRingEnd(at, recordHeaderBytes));
    this.#scratch.set(bytes.subarray(from, from + first), 0);
    if (first < length) this.#scratch.set(bytes.subarray(ring, ring + length - first), first);
    return this.#scratch.subarray(0, length);
  }

  #keepPiece(index: number, bytes: Buffer): void {
    const pieces = this.#pieces.get(index);
    if (pieces === undefined) this.#pieces.set(index, [Buffer.from(bytes)]);
    else pieces.push(Buffer.from(bytes));
  }

  /** With the pieces that came before. */
  #whole(index: number, last: Buffer): Buffer {
    const pieces = this.#pieces.get(index);
    if (pieces === undefined) return last;
    this.#pieces.delete(index);
    return Buffer.concat([...pieces, last]);
  }

  #refuseLane(index: number): void {
    const { words } = this.#memory;
    const firstWord = this.#memory.ringStart(index) / 4;
    const headWord = this.#memory.laneWord(index, lane.head);
    const tail = Atomics.load(words, this.#memory.laneWord(index, lane.tail));
    let head = Atomics.load(words, headWord);
    while (head !== tail) {
      const answer = firstWord + wordInRing(head, recordField.status);
      if (words[answer] === 0) words[answer] = recordStatus.stale;
      head = (head + (words[firstWord + wordInRing(head, recordField.size)] as number)) | 0;
    }
    Atomics.store(words, headWord, head);
    Atomics.notify(words, headWord);
  }
}
