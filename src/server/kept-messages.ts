import { Fifo } from '../base/fifo.ts';
import type { Bytes } from '../connection/conn.ts';

export interface KeptMessage {
  readonly data: Bytes;
  readonly length: number;
  done: boolean;
}

/** What a link has taken and is not done with: what was sent on the connection of now comes first. */
export class KeptMessages {
  /** Messages that are not done, and their bytes. */
  count = 0;
  bytes = 0;
  #sent = new Fifo<KeptMessage>();
  #unsent = new Fifo<KeptMessage>();

  add(data: Bytes, length: number): void {
    this.#unsent.push({ data, length, done: false });
    this.count++;
    this.bytes += length;
  }

  /** The next one to be sent. */
  peekUnsent(): KeptMessage | undefined {
    dropDone(this.#unsent);
    return this.#unsent.peek();
  }

  /** It is sent from now on. */
  takeUnsent(): void {
    this.#sent.push(this.#unsent.shift() as KeptMessage);
  }

  done(message: KeptMessage): void {
    if (message.done) return;
    message.done = true;
    this.count--;
    this.bytes -= message.length;
    dropDone(this.#sent);
  }

  /** The first `count` of those that were sent and are not done are it now. */
  confirm(count: number): void {
    for (let left = count; left > 0; left--) {
      const first = this.#sent.peek();
      if (first === undefined) return;
      this.done(first);
    }
  }

  /** The connection is gone: what is not done is to be sent again, in the order of before. */
  unsend(): void {
    if (this.#sent.length === 0) return;
    const all = new Fifo<KeptMessage>();
    for (const from of [this.#sent, this.#unsent]) {
      for (let next = from.shift(); next !== undefined; next = from.shift()) all.push(next);
    }
    this.#unsent = all;
  }
}

function dropDone(messages: Fifo<KeptMessage>): void {
  while (messages.peek()?.done) messages.shift();
}
