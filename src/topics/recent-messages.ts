/** The latest messages of a stream, for those who come back after a moment. */
import type { Bytes } from '../index.ts';
import type { DeliverStored } from './backplane.ts';
import { matches } from './topic-tree.ts';

export interface StoredMessage {
  readonly topic: string;
  readonly data: Bytes;
  readonly position: number;
}

const bytesMax = 4 * 1024 * 1024;

export class RecentMessages {
  readonly #max: number;
  readonly #messages: StoredMessage[] = [];
  #bytes = 0;
  /** Messages behind this position are all here. */
  floor = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(message: StoredMessage): void {
    this.#messages.push(message);
    this.#bytes += message.data.length;
    while (this.#messages.length > this.#max || this.#bytes > bytesMax) {
      const { data, position } = this.#messages.shift() as StoredMessage;
      this.#bytes -= data.length;
      this.floor = position;
    }
  }

  clear(floor: number): void {
    this.#messages.length = 0;
    this.#bytes = 0;
    this.floor = floor;
  }

  async replay(filter: string, after: number, last: number, deliver: DeliverStored): Promise<void> {
    const found = this.#messages.filter(
      ({ topic, position }) => position > after && position <= last && matches(filter, topic),
    );
    for (const { topic, data, position } of found) {
      if (!(await deliver(topic, data, position))) return;
    }
  }
}

/** Ids that were seen, the latest ones. */
export class RecentIds {
  readonly #ids = new Set<string>();

  /** False when it was there already. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > 10_000) {
      for (const oldest of this.#ids) {
        this.#ids.delete(oldest);
        break;
      }
    }
    return true;
  }
}
