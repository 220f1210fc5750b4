/** What loops of a process tell one another, through the runtime's `BroadcastChannel`. */
import type { Bytes } from '../index.ts';
import type { PressureSign } from './pressure.ts';

interface Published {
  readonly topic: string;
  readonly data: Bytes;
}

interface Told {
  /** Messages of one turn, in order. */
  readonly messages?: readonly Published[];
  readonly pressure?: PressureSign;
  readonly presence?: string;
}

export interface LoopChannelUser {
  message(delivered: Published): void;
  pressure(sign: PressureSign): void;
  presence(text: string): void;
}

export class LoopChannel {
  readonly #channel: BroadcastChannel;
  /** Messages that leave together, when this turn is over. */
  #waiting: Published[] = [];

  constructor(name: string, user: LoopChannelUser) {
    this.#channel = new BroadcastChannel(`gnet topics ${name}`);
    this.#channel.onmessage = (event) => {
      const { messages = [], pressure, presence } = (event as { readonly data: Told }).data;
      if (pressure !== undefined) user.pressure(pressure);
      if (presence !== undefined) user.presence(presence);
      for (const message of messages) user.message(message);
    };
    // It must not keep the program running.
    (this.#channel as unknown as { unref(): void }).unref();
  }

  /** Behind the turn: whoever is reached otherwise need not wait until it is packed. */
  send(message: Published): void {
    this.#waiting.push(message);
    if (this.#waiting.length === 1) setImmediate(() => this.#post());
  }

  #post(): void {
    const messages = this.#waiting;
    if (messages.length === 0) return;
    this.#waiting = [];
    this.#channel.postMessage({ messages } satisfies Told);
  }

  tell(what: Pick<Told, 'pressure' | 'presence'>): void {
    this.#channel.postMessage(what);
  }

  /** What was sent still leaves. */
  close(): void {
    this.#post();
    this.#channel.close();
  }
}
