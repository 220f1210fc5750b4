/** The newest messages, for subscribers that take less than comes. */
import { give, isGone, type Message, type Subscriber, whenTaken } from './subscriber.ts';

/** What waits for one subscriber. */
interface Backlog {
  readonly messages: Message[];
  bytes: number;
}

export interface BacklogLimits {
  readonly messages: number;
  readonly bytes: number;
}

export class Backlogs {
  readonly #limits: BacklogLimits;
  readonly #onError: (error: unknown) => void;
  /** By subscriber that has not taken everything it was given. */
  readonly #waiting = new Map<Subscriber, Backlog>();
  /** Messages that were dropped. */
  dropped = 0;

  constructor(limits: BacklogLimits, onError: (error: unknown) => void) {
    this.#limits = limits;
    this.#onError = onError;
  }

  /**
   * Gives it now, or behind what waits. False if it is gone. @throws what the codec of the subscriber
   * throws.
   */
  send(subscriber: Subscriber, message: Message): boolean {
    const backlog = this.#waiting.get(subscriber);
    if (backlog === undefined) {
      if (give(subscriber, message)) return true;
      if (isGone(subscriber)) return false;
      this.#begin(subscriber);
      return true;
    }
    if (isGone(subscriber)) return false;
    backlog.messages.push(message);
    backlog.bytes += message.size;
    while (backlog.messages.length > 1 && this.#isTooMuch(backlog)) {
      backlog.bytes -= (backlog.messages.shift() as Message).size;
      this.dropped++;
    }
    return true;
  }

  #isTooMuch({ messages, bytes }: Backlog): boolean {
    return messages.length > this.#limits.messages || bytes > this.#limits.bytes;
  }

  /** What waits for it is worth nothing any more. */
  forget(subscriber: Subscriber): void {
    this.#waiting.delete(subscriber);
  }

  /** What waits for it, which is to be given by someone else now. */
  take(subscriber: Subscriber): readonly Message[] {
    const messages = this.#waiting.get(subscriber)?.messages ?? [];
    this.#waiting.delete(subscriber);
    return messages;
  }

  #begin(subscriber: Subscriber): void {
    const backlog: Backlog = { messages: [], bytes: 0 };
    this.#waiting.set(subscriber, backlog);
    void this.#work(subscriber, backlog);
  }

  /** Gives what waits as fast as it is taken, until nothing does. */
  async #work(subscriber: Subscriber, backlog: Backlog): Promise<void> {
    do {
      await whenTaken(subscriber);
      if (this.#waiting.get(subscriber) !== backlog) return;
    } while (!this.#pour(subscriber, backlog));
    this.#waiting.delete(subscriber);
  }

  /** False when it has enough for now. */
  #pour(subscriber: Subscriber, backlog: Backlog): boolean {
    for (;;) {
      const message = backlog.messages.shift();
      if (message === undefined) return true;
      backlog.bytes -= message.size;
      try {
        if (!give(subscriber, message)) return false;
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
