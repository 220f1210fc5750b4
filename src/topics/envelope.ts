/** What a backplane sends through a broker: the data, and who has sent it. */
import { createHash, randomUUID } from 'node:crypto';
import type { Bytes } from '../index.ts';
import { processFacts } from './process-facts.ts';

/** Behind the byte that says text or not, and the one that says how long the sender's name is. */
const COUNT_BYTES = 6;
/** More senders than this are not remembered: those that began first have most likely ended. */
const sendersMax = 4_096;

/** Of one loop: packs what it sends, and opens what others have sent, each message once. */
export class Envelopes {
  /** The same in all loops of a process that hear one another without a broker. */
  readonly #origin: Buffer;
  readonly #sender: Buffer;
  #count = 0;
  /** By sender: its last message. Several filters bring one message several times. */
  readonly #last = new Map<string, number>();
  /** Who has sent the message before has most likely sent the next one, too. */
  #known: Buffer = Buffer.alloc(0);
  #knownName: string | null = null;

  /** @param hub the name of the topics, which are a group of their own in a process. */
  constructor(hub: string) {
    const hash = createHash('sha256').update(JSON.stringify([processFacts, hub]));
    this.#origin = Buffer.from(hash.digest('base64url'));
    this.#sender = Buffer.concat([this.#origin, Buffer.from([0]), Buffer.from(randomUUID())]);
  }

  pack(data: Bytes): Buffer {
    const isText = typeof data === 'string';
    const payload = isText ? Buffer.from(data) : data;
    const { length } = this.#sender;
    const message = Buffer.allocUnsafe(2 + length + COUNT_BYTES + payload.length);
    message[0] = isText ? 1 : 0;
    message[1] = length;
    message.set(this.#sender, 2);
    message.writeUIntBE(++this.#count, 2 + length, COUNT_BYTES);
    message.set(payload, 2 + length + COUNT_BYTES);
    return message;
  }

  /** Null for what loops of this process and hub have sent, what was opened before, and no envelope. */
  open(message: Buffer): Bytes | null {
    const length = message[1] ?? 0;
    const start = 2 + length + COUNT_BYTES;
    if (message.length < start) return null;
    const name = this.#nameOf(message.subarray(2, 2 + length));
    if (name === null) return null;
    const count = message.readUIntBE(2 + length, COUNT_BYTES);
    if (count <= (this.#last.get(name) ?? 0)) return null;
    this.#remember(name, count);
    const data = message.subarray(start);
    return message[0] === 1 ? data.toString() : data;
  }

  /** Null for loops of this process and hub. */
  #nameOf(sender: Buffer): string | null {
    if (sender.equals(this.#known)) return this.#knownName;
    const end = sender.indexOf(0);
    if (end < 0 || sender.subarray(0, end).equals(this.#origin)) return null;
    this.#known = Buffer.from(sender);
    this.#knownName = sender.toString('latin1');
    return this.#knownName;
  }

  #remember(name: string, count: number): void {
    this.#last.set(name, count);
    if (this.#last.size <= sendersMax) return;
    for (const oldest of this.#last.keys()) {
      this.#last.delete(oldest);
      return;
    }
  }
}
