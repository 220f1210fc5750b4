import type { Deflate } from './deflate.ts';
import type { Opcode } from './frame.ts';

/** Above this a sender is asked to wait, until the lower mark; bytes. */
const HIGH = 1024 * 1024;
const LOW = 256 * 1024;
/** More than this does not wait behind a message; bytes. */
const MAX = 64 * 1024 * 1024;
/** What waits costs so much beside its bytes. */
const OVERHEAD = 64;

/** A message that waits, in memory of its own. */
interface Waiting {
  readonly payload: Uint8Array;
  readonly opcode: Opcode;
  readonly compress: boolean | undefined;
  /** Another thread compresses it. */
  readonly isLong: boolean;
}

interface Waiter {
  /** Is told when no more bytes than this wait; -1: when nothing does. */
  readonly atMost: number;
  readonly resolve: () => void;
}

/** What an outbox needs of its WebSocket. */
export interface OutboxOwner {
  /** `isReady`: the body is compressed. Returns false when the connection has enough for now. */
  sendNow(
    body: Uint8Array,
    opcode: Opcode,
    compress: boolean | undefined,
    isReady: boolean,
  ): boolean;
  /** There is room again, after `add` has said that there was none. */
  roomAgain(): void;
  /** Something cannot be sent, and so nothing behind it can. */
  sendingFailed(): void;
}

/**
 * The messages of one WebSocket that another thread compresses, one at a time, and what is sent behind
 * them: everything leaves in the order in which it was given.
 */
export class Outbox {
  readonly #owner: OutboxOwner;
  readonly #deflate: Deflate;
  #tasks: (Waiting | (() => void))[] = [];
  #waiters: Waiter[] = [];
  #bytes = 0;
  #isWorking = false;
  #isDropped = false;
  /** `add` has returned false, and `roomAgain` has not been called since. */
  #owesRoom = false;

  constructor(owner: OutboxOwner, deflate: Deflate) {
    this.#owner = owner;
    this.#deflate = deflate;
  }

  /** Nothing waits: what is sent now may leave at once. */
  get isIdle(): boolean {
    return !this.#isWorking;
  }

  /** What waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** It will call `roomAgain`, or leave that to the connection when nothing waits any more. */
  get owesRoom(): boolean {
    return this.#owesRoom;
  }

  /** False when the sender should wait for `roomAgain`. */
  add(message: Waiting): boolean {
    if (this.#isDropped) return false;
    const cost = message.payload.length + OVERHEAD;
    if (this.#isWorking && this.#bytes + cost > MAX) {
      this.#owner.sendingFailed();
      return false;
    }
    this.#bytes += cost;
    this.#push(message);
    if (this.#bytes <= HIGH) return true;
    this.#owesRoom = true;
    return false;
  }

  /** Calls this behind everything that waits. */
  behind(act: () => void): void {
    if (this.#isWorking) this.#push(act);
    else act();
  }

  #push(task: Waiting | (() => void)): void {
    this.#tasks.push(task);
    if (!this.#isWorking) void this.#work();
  }

  /** Resolves when there is room; undefined if there is now. */
  room(): Promise<void> | undefined {
    return this.#bytes > HIGH ? this.#wait(LOW) : undefined;
  }

  /** Resolves when nothing waits any more; undefined if that is so now. */
  empty(): Promise<void> | undefined {
    return this.#isWorking && !this.#isDropped ? this.#wait(-1) : undefined;
  }

  #wait(atMost: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ atMost, resolve });
    });
  }

  /** Nothing more is sent. */
  drop(): void {
    this.#isDropped = true;
    this.#tasks = [];
    this.#bytes = 0;
    this.#tell(-1);
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    let hasRoom = true;
    try {
      while (this.#tasks.length > 0) {
        const tasks = this.#tasks;
        this.#tasks = [];
        for (const task of tasks) {
          if (this.#isDropped) break;
          if (typeof task === 'function') task();
          else hasRoom = await this.#send(task);
        }
      }
    } catch {
      this.#owner.sendingFailed();
    }
    this.#isWorking = false;
    this.#tell(-1);
    if (!this.#owesRoom || this.#isDropped) return;
    this.#owesRoom = false;
    // Otherwise the connection tells it when there is.
    if (hasRoom) this.#owner.roomAgain();
  }

  async #send({ payload, opcode, compress, isLong }: Waiting): Promise<boolean> {
    const body = isLong ? await this.#deflate.compressLater(payload) : payload;
    if (this.#isDropped) return false;
    // Before: what is told inside may drop everything, and then nothing is left to be taken away.
    this.#bytes -= payload.length + OVERHEAD;
    const hasRoom = this.#owner.sendNow(body, opcode, compress, isLong);
    if (this.#waiters.length > 0) this.#tell(this.#bytes);
    return hasRoom;
  }

  #tell(bytes: number): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ atMost }) => bytes > atMost);
    for (const { atMost, resolve } of waiters) if (bytes <= atMost) resolve();
  }
}
