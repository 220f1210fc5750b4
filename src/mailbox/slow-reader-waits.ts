import { toConnId } from '../connection/conn-id.ts';
import { loopState } from './loop-memory.ts';
import { recordKind } from './record.ts';
import type { MailboxSender } from './sender.ts';
import { noteEnd } from './thread-ends.ts';

/** A connection of another thread that has more pending than it should. */
interface Wait {
  readonly slot: number;
  readonly generation: number;
  /** The value of its room word before the last question to the loop. */
  seen: number;
  /** The answer to that is still to come. */
  asked: boolean;
  readonly settled: (() => void)[];
}

/** As for lanes: a loop that has died without a witness is noticed this often. */
const lookMs = 1_000;

/**
 * Writes of this thread to one loop that were taken, and wait until their connections have room for
 * more. For each connection the loop is asked; where it has none, its room word is waited for, and the
 * loop is asked again. The end of the connection or the loop ends the wait as well.
 */
export class SlowReaderWaits {
  readonly #sender: MailboxSender;
  readonly #waits = new Map<number, Wait>();
  #keepAlive: NodeJS.Timeout | null = null;

  constructor(sender: MailboxSender) {
    this.#sender = sender;
  }

  get isEmpty(): boolean {
    return this.#waits.size === 0;
  }

  /** Calls `settled` once, when there is room again or the connection is gone. */
  wait(slot: number, generation: number, settled: () => void): void {
    const key = toConnId(0, slot, generation);
    const known = this.#waits.get(key);
    if (known !== undefined) {
      known.settled.push(settled);
      return;
    }
    const wait: Wait = { slot, generation, seen: 0, asked: false, settled: [settled] };
    this.#waits.set(key, wait);
    // Without a handle the runtime would end a thread that waits for nothing but this.
    this.#keepAlive ??= setInterval(() => this.#lookAtAll(), lookMs);
    // Not at once: this comes out of the sender, in the middle of the answers that it reads.
    queueMicrotask(() => this.#ask(wait));
  }

  #ask(wait: Wait): void {
    if (wait.asked || !this.#isOpen(wait)) return;
    wait.asked = true;
    const { slot, generation } = wait;
    const { memory } = this.#sender;
    wait.seen = Atomics.load(memory.words, memory.roomWord(slot));
    const over = (): void => this.#settle(wait);
    const full = (): void => {
      wait.asked = false;
      this.#sleep(wait);
    };
    this.#sender.post(recordKind.room, slot, generation, null, {
      resolve: over,
      reject: over,
      full,
    });
  }

  #sleep(wait: Wait): void {
    const { memory } = this.#sender;
    const look = (): void => this.#ask(wait);
    const waited = Atomics.waitAsync(memory.words, memory.roomWord(wait.slot), wait.seen);
    if (waited.async) void waited.value.then(look);
    else queueMicrotask(look);
  }

  #lookAtAll(): void {
    noteEnd(this.#sender.memory);
    if (this.#sender.memory.state === loopState.running) return;
    for (const wait of this.#waits.values()) this.#settle(wait);
  }

  #isOpen(wait: Wait): boolean {
    return this.#waits.get(toConnId(0, wait.slot, wait.generation)) === wait;
  }

  #settle(wait: Wait): void {
    if (!this.#isOpen(wait)) return;
    this.#waits.delete(toConnId(0, wait.slot, wait.generation));
    for (const settled of wait.settled) settled();
    if (this.#waits.size > 0 || this.#keepAlive === null) return;
    clearInterval(this.#keepAlive);
    this.#keepAlive = null;
  }
}
