import { threadId } from 'node:worker_threads';
import { ErrCodec, ErrConnClosed, ErrTooManyWriters, type GnetError } from '../base/errors.ts';
import { Fifo } from '../base/fifo.ts';
import { abandonLanesOfEnded } from './abandoned-lanes.ts';
import { noteEnd } from './thread-ends.ts';
import { uncopied } from './uncopied-context.ts';
import { control, type LoopMemory, lane, laneCount, loopState, ringBytes } from './loop-memory.ts';
import {
  byteInRing,
  bytesToRingEnd,
  pieceBytesMax,
  recordBytes,
  recordField,
  recordHeaderBytes,
  recordKind,
  recordStatus,
  wordInRing,
} from './record.ts';
import { mayBeAsleep, wakeIfAsleep } from './wake.ts';

/** A caller that waits for the answer to a post. */
export interface Settle {
  resolve(): void;
  reject(error: GnetError): void;
  /** Taken, with more pending than the high watermark; without it `resolve` is called. */
  full?(): void;
}

interface Post {
  readonly kind: number;
  readonly slot: number;
  readonly generation: number;
  /** The caller's until `post` returns, then a copy of what was not written yet. */
  bytes: Uint8Array;
  /** How many of them are in the lane. */
  written: number;
  readonly settle: Settle | null;
}

/** A record in the lane whose answer has not been read. */
interface Sent {
  readonly size: number;
  readonly settle: Settle | null;
}

const noBytes = new Uint8Array(0);

/** Bytes that a sender writes before it offers its lane to others that wait for one. */
const claimBytesMax = 2 * ringBytes;

const unwatched = -1;

/** How often a sender checks a loop that stays busy or may have died unnoticed. */
const lookMs = 1_000;
/** After this many checks in a row without a free lane, or one given back, it gives up what waits. */
const lanelessLooksMax = 10;

/**
 * One thread's way into the mailbox of one loop. What is posted arrives in order. What does not fit
 * waits in a list here; nothing is lost, and every `settle` is called exactly once.
 */
export class MailboxSender {
  readonly #memory: LoopMemory;
  readonly #keepLane: boolean;
  #lane = -1;
  #lastLane = (threadId * 7) % laneCount;
  #tail = 0;
  /** Where the lane stood when it was claimed. */
  #claimedAt = 0;
  /** It gave its lane to one that waited: its own turn comes behind that. */
  #letsOthers = false;
  /** The lane ends with a piece whose rest is still to come. */
  #isCut = false;
  /** Up to here answers were read and the ring may be written again. */
  #reclaimed = 0;
  /** How often it has found no free lane, and what `lanesReleased` was then. */
  #lanelessLooks = 0;
  #releasedSeen = 0;
  readonly #lanelessLooksMax: number;
  readonly #waiting = new Fifo<Post>();
  readonly #sent = new Fifo<Sent>();
  /** The word that the newest wait is for, and which wait that is: earlier ones are void. */
  #watched = unwatched;
  #waits = 0;
  #keepAlive: NodeJS.Timeout | null = null;
  #whenIdle: (() => void)[] = [];

  /**
   * @param keepLane for a sender that is used all the time: it never gives its lane back.
   * @param looksMax for tests, which have no ten seconds.
   */
  constructor(memory: LoopMemory, keepLane = false, looksMax: number = lanelessLooksMax) {
    this.#memory = memory;
    this.#keepLane = keepLane;
    this.#lanelessLooksMax = looksMax;
  }

  get memory(): LoopMemory {
    return this.#memory;
  }

  /** Nothing is under way, and the loop will never take anything again. */
  get isOver(): boolean {
    return this.#isIdle && this.#memory.state !== loopState.running;
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#sent.length === 0;
  }

  /** Bytes are taken at the call. `settle` is called once, later: when the loop has answered. */
  post(
    kind: number,
    slot: number,
    generation: number,
    bytes: Uint8Array | null,
    settle: Settle | null,
  ): void {
    const given = bytes ?? noBytes;
    if (this.#writesAtOnce(given.length)) {
      this.#writeRecord(kind, slot, generation, given, 0, given.length);
      this.#sent.push({ size: recordBytes(given.length), settle });
      this.#publish();
      this.#watch();
      return;
    }
    const post = { kind, slot, generation, bytes: given, written: 0, settle };
    this.#waiting.push(post);
    if (this.#waiting.length === 1) {
      this.#readAnswers();
      this.#yieldLane();
      this.#pump();
    }
    if (this.#waiting.length > 0 && post.written < post.bytes.length) {
      // A copy: `slice` of a Buffer is only another view.
      post.bytes = new Uint8Array(post.bytes.subarray(post.written));
      post.written = 0;
    }
    if (!this.#keepLane || this.#waiting.length > 0) this.#watch();
  }

  /** Resolves when the loop has answered everything, or can no longer answer. */
  async whenIdle(): Promise<void> {
    this.#collect();
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
      this.#watch();
    });
  }

  // -- writing ------------------------------------------------------------------------------------

  /** Nearly every post: nothing waits before it, and it fits into the lane as it is. */
  #writesAtOnce(length: number): boolean {
    return (
      this.#lane !== -1 &&
      this.#waiting.length === 0 &&
      !this.#keepLane &&
      !this.#isUsedUp &&
      length <= pieceBytesMax &&
      recordBytes(length) <= this.#freeBytes
    );
  }

  get #freeBytes(): number {
    return ringBytes - ((this.#tail - this.#reclaimed) >>> 0);
  }

  /** Writes what fits and tells the loop. */
  #pump(): void {
    if (this.#waiting.length === 0 || this.#letsOthers || !this.#claimLane()) return;
    const before = this.#tail;
    for (let post = this.#waiting.peek(); post !== undefined; post = this.#waiting.peek()) {
      // All pieces of a long write go through one lane: its next owner would otherwise continue
      // them.
      if (!this.#isCut && this.#isUsedUp) break;
      if (!this.#write(post)) break;
      this.#waiting.shift();
    }
    if (this.#tail !== before) this.#publish();
  }

  get #isUsedUp(): boolean {
    return !this.#keepLane && (this.#tail - this.#claimedAt) >>> 0 >= claimBytesMax;
  }

  /** There are few lanes: a thread that writes without a pause gives others a turn. */
  #yieldLane(): void {
    if (this.#lane === -1 || this.#isCut || this.#sent.length > 0 || !this.#isUsedUp) return;
    const index = this.#lane;
    this.#lane = -1;
    this.#letsOthers = this.#memory.releaseLane(index);
  }

  #claimLane(): boolean {
    if (this.#lane !== -1) return true;
    const { words } = this.#memory;
    for (let step = 0; step < laneCount; step++) {
      const index = (this.#lastLane + step) % laneCount;
      const owner = this.#memory.laneWord(index, lane.owner);
      if (Atomics.compareExchange(words, owner, 0, threadId + 1) !== 0) continue;
      this.#lane = this.#lastLane = index;
      this.#tail = Atomics.load(words, this.#memory.laneWord(index, lane.tail));
      this.#reclaimed = this.#claimedAt = this.#tail;
      return true;
    }
    return false;
  }

  /** Threads that are stuck, or ended unseen, never give their lanes back: who waits must hear of it. */
  #lookForLane(): void {
    const released = Atomics.load(this.#memory.words, control.lanesReleased);
    const isStuck = this.#lane === -1 && this.#waiting.length > 0;
    if (isStuck) abandonLanesOfEnded(this.#memory);
    this.#lanelessLooks = isStuck && released === this.#releasedSeen ? this.#lanelessLooks + 1 : 0;
    this.#releasedSeen = released;
    if (this.#lanelessLooks < this.#lanelessLooksMax) return;
    this.#lanelessLooks = 0;
    this.#memory.refusedWithoutLane(this.#waiting.length);
    for (let left = this.#waiting.length; left > 0; left--) {
      (this.#waiting.shift() as Post).settle?.reject(tooManyWriters());
    }
  }

  /** As many records of a post as fit; true when it is written whole. */
  #write(post: Post): boolean {
    for (;;) {
      const rest = post.bytes.length - post.written;
      const length = Math.min(rest, pieceBytesMax);
      const size = recordBytes(length);
      if (size > this.#freeBytes) return false;
      const isLast = length === rest;
      const kind = isLast ? post.kind : recordKind.piece;
      this.#writeRecord(kind, post.slot, post.generation, post.bytes, post.written, length);
      this.#isCut = !isLast;
      this.#sent.push({ size, settle: isLast ? post.settle : null });
      post.written += length;
      if (isLast) return true;
    }
  }

  /** With `length` of the bytes, from `from` on. */
  #writeRecord(
    kind: number,
    slot: number,
    generation: number,
    given: Uint8Array,
    from: number,
    length: number,
  ): void {
    const { words, bytes } = this.#memory;
    const start = this.#memory.ringStart(this.#lane);
    const firstWord = start / 4;
    const at = this.#tail;
    const size = recordBytes(length);
    words[firstWord + wordInRing(at, recordField.size)] = size;
    words[firstWord + wordInRing(at, recordField.kind)] = kind;
    words[firstWord + wordInRing(at, recordField.slot)] = slot;
    words[firstWord + wordInRing(at, recordField.generation)] = generation;
    words[firstWord + wordInRing(at, recordField.byteLength)] = length;
    words[firstWord + wordInRing(at, recordField.status)] = 0;
    if (length > 0) {
      // A view costs as much as the rest: most writes are one piece in one place.
      const piece = length === given.length ? given : given.subarray(from, from + length);
      const first = Math.min(length, bytesToRingEnd(at, recordHeaderBytes));
      bytes.set(
        first === length ? piece : piece.subarray(0, first),
        start + byteInRing(at, recordHeaderBytes),
      );
      if (first < length) bytes.set(piece.subarray(first), start);
    }
    this.#tail = (this.#tail + size) | 0;
  }

  /** From here on the loop may see what was written. */
  #publish(): void {
    const memory = this.#memory;
    const { words } = memory;
    // What is published too late for a loop that closes is refused by `#collect`.
    if (memory.state !== loopState.running) return;
    Atomics.store(words, memory.laneWord(this.#lane, lane.tail), this.#tail);
    // The loop has not looked since the last record: it will see this one with that.
    if (!memory.isPending(this.#lane)) memory.markPending(this.#lane);
    if (mayBeAsleep(memory)) this.#wake();
  }

  #wake(): void {
    const memory = this.#memory;
    const signalling = memory.laneWord(this.#lane, lane.signalling);
    Atomics.store(memory.words, signalling, 1);
    try {
      // A loop that closes says so first, then waits for `signalling`.
      if (memory.state === loopState.running) wakeIfAsleep(memory);
    } finally {
      Atomics.store(memory.words, signalling, 0);
    }
  }

  // -- answers ------------------------------------------------------------------------------------

  #collect(): void {
    // The state first: what the loop answered before it ended is in front of the head that follows.
    const running = this.#memory.state === loopState.running;
    this.#readAnswers();
    if (running) {
      this.#yieldLane();
      this.#pump();
    } else this.#refuseAll();
    if (this.#isIdle) this.#becomeIdle();
    else this.#watch();
  }

  #readAnswers(): void {
    if (this.#lane === -1) return;
    const memory = this.#memory;
    const { words } = memory;
    const firstWord = memory.ringStart(this.#lane) / 4;
    const headWord = memory.laneWord(this.#lane, lane.head);
    // Checked again each time: a callback may post again, and posting reads answers too.
    while (this.#reclaimed !== Atomics.load(words, headWord)) {
      const sent = this.#sent.shift();
      if (sent === undefined) return;
      const status = words[firstWord + wordInRing(this.#reclaimed, recordField.status)] as number;
      this.#reclaimed = (this.#reclaimed + sent.size) | 0;
      if (sent.settle !== null) settleWith(sent.settle, status);
    }
  }

  /** The loop is over: what it has not answered by now it never will. */
  #refuseAll(): void {
    const { words } = this.#memory;
    const firstWord = this.#lane === -1 ? 0 : this.#memory.ringStart(this.#lane) / 4;
    // Only the present posts: a callback may post again, and that post is refused in turn.
    for (let left = this.#sent.length; left > 0; left--) {
      const sent = this.#sent.shift() as Sent;
      // Its thread may have died between an answer and moving the head.
      const status = words[firstWord + wordInRing(this.#reclaimed, recordField.status)] as number;
      this.#reclaimed = (this.#reclaimed + sent.size) | 0;
      if (sent.settle !== null) settleWith(sent.settle, status);
    }
    for (let left = this.#waiting.length; left > 0; left--) {
      const post = this.#waiting.shift() as Post;
      if (post.settle !== null) settleWith(post.settle, recordStatus.stale);
    }
  }

  #becomeIdle(): void {
    if (this.#lane !== -1 && !this.#keepLane) {
      this.#memory.releaseLane(this.#lane);
      this.#lane = -1;
    }
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#keepAlive = null;
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }

  /** Sees to it that `#collect` runs when the loop has moved, or a lane is free. */
  #watch(): void {
    // Without a handle the runtime would end a thread that waits for nothing but this.
    this.#keepAlive ??= setInterval(() => {
      this.#letsOthers = false;
      noteEnd(this.#memory);
      this.#lookForLane();
      this.#collect();
    }, lookMs);
    const { words } = this.#memory;
    const isForLane = this.#lane === -1;
    const word = isForLane ? control.lanesReleased : this.#memory.laneWord(this.#lane, lane.head);
    if (this.#watched === word) return;
    this.#watched = word;
    this.#waits++;
    const wait = this.#waits;
    const look = (outcome?: 'ok' | 'timed-out'): void => {
      if (isForLane && outcome === 'ok') this.#passOn(wait);
      if (wait !== this.#waits) return;
      this.#watched = unwatched;
      this.#letsOthers = false;
      this.#collect();
    };
    if (this.#memory.state !== loopState.running) {
      queueMicrotask(look);
      return;
    }
    // No wait can be taken back: one for a lane ends by itself, for it may be in the way of others.
    const waited = isForLane
      ? Atomics.waitAsync(words, word, this.#freeLanesSeen(), lookMs)
      : Atomics.waitAsync(words, word, this.#reclaimed);
    if (waited.async) void waited.value.then(look);
    else queueMicrotask(look);
  }

  /** One waiter is told of a free lane: where this sender wants none any more, it is the next one's. */
  #passOn(wait: number): void {
    const wantsIt = wait === this.#waits && this.#lane === -1 && this.#waiting.length > 0;
    if (!wantsIt) Atomics.notify(this.#memory.words, control.lanesReleased, 1);
  }

  /** How many lanes had been given back before the last search found none free. */
  #freeLanesSeen(): number {
    const seen = Atomics.load(this.#memory.words, control.lanesReleased);
    this.#pump();
    return this.#lane === -1 ? seen : seen - 1;
  }
}

function tooManyWriters(): ErrTooManyWriters {
  return new ErrTooManyWriters(
    `cannot write: ${laneCount} other threads have something under way to this loop and have come no ` +
      'further for ten seconds; write from fewer threads, or await writes before you block a thread',
  );
}

function settleWith(settle: Settle, status: number): void {
  if (status === recordStatus.full && settle.full !== undefined) settle.full();
  else if (status === recordStatus.taken || status === recordStatus.full) settle.resolve();
  else if (status === recordStatus.refused) {
    settle.reject(
      new ErrCodec(
        'cannot write: the codec of the connection could not encode the bytes; the log of the server says why',
      ),
    );
  } else if (status === recordStatus.uncopied) {
    settle.reject(uncopied());
  } else {
    settle.reject(
      new ErrConnClosed(
        'cannot write: the connection is closed, or the server never had it; forget ids in onClosed',
      ),
    );
  }
}
