/** What loops of a process tell one another, through the runtime's `BroadcastChannel`. */
// The one of the globals has no `unref` on Deno.
import { BroadcastChannel } from 'node:worker_threads';
import type { Bytes } from '../index.ts';
import type { PressureSign } from './pressure.ts';

interface Published {
  readonly topic: string;
  readonly data: Bytes;
}

interface Told {
  readonly pressure?: PressureSign;
  readonly presence?: string;
}

/** Messages in order: the topic of each, then its data. Objects would cost more to pack. */
type Messages = readonly Bytes[];

export interface LoopChannelUser {
  message(delivered: Published): void;
  pressure(sign: PressureSign): void;
  presence(text: string): void;
}

function isMessages(data: Told | Messages): data is Messages {
  return Array.isArray(data);
}

/**
 * In ms. What comes so soon behind a post waits for more: promises that send one message each do, and
 * answers to messages that come one at a time do not.
 */
const togetherMs = 0.1;

export class LoopChannel {
  readonly #channel: BroadcastChannel;
  /** Messages that leave together, when what runs now is over. */
  #waiting: Bytes[] = [];
  #postedAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, user: LoopChannelUser) {
    this.#channel = new BroadcastChannel(`gnet topics ${name}`);
    this.#channel.onmessage = (event) => {
      const { data } = event as { readonly data: Told | Messages };
      if (isMessages(data)) {
        for (let index = 0; index < data.length; index += 2) {
          user.message({ topic: data[index] as string, data: data[index + 1] as Bytes });
        }
        return;
      }
      const { pressure, presence } = data;
      if (pressure !== undefined) user.pressure(pressure);
      if (presence !== undefined) user.presence(presence);
    };
    // It must not keep the program running.
    this.#channel.unref();
  }

  /**
   * Behind what runs now, which is the whole turn of a loop: whoever is reached otherwise need not wait
   * until it is packed. Promises that send one message each have no such turn: what follows a post at once
   * waits for a callback of the runtime, which would cost a single message a turn of its own.
   */
  send(topic: string, data: Bytes): void {
    if (this.#waiting.length === 0) {
      if (performance.now() - this.#postedAt < togetherMs) setImmediate(this.#post);
      else queueMicrotask(this.#post);
    }
    this.#waiting.push(topic, data);
  }

  readonly #post = (): void => {
    const messages = this.#waiting;
    if (messages.length === 0) return;
    this.#waiting = [];
    this.#postedAt = performance.now();
    this.#channel.postMessage(messages satisfies Messages);
  };

  tell(what: Told): void {
    this.#channel.postMessage(what);
  }

  /** What was sent still leaves. */
  close(): void {
    this.#post();
    this.#channel.close();
  }
}
