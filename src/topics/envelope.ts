/** What a backplane sends through a broker: the data, and who has sent it. */
import { createHash, randomUUID } from 'node:crypto';
import type { Bytes } from '../index.ts';
import { processFacts } from './process-facts.ts';

/** Behind the byte that says text or not, and the one that says how long the sender's name is. */
const COUNT_BYTES = 6;
/** More senders than this are not remembered: those that began first have most likely ended. */
const sendersMax = 4_096;

/** What another loop has sent: its name, and its last message. */
interface Sender {
  readonly name: Uint8Array;
  last: number;
}

/** Of one loop: packs what it sends, and opens what others have sent, each message once. */
export class Envelopes {
  /** The same in all loops of a process that hear one another without a broker. */
  readonly #origin: Buffer;
  /** Of the next message: only its first byte and its count change. */
  readonly #head: Buffer;
  #count = 0;
  /** By name. Several filters bring one message several times. */
  readonly #senders = new Map<string, Sender>();
  /** Who has sent the message before has most likely sent the next one, too. */
  #before: Sender = { name: new Uint8Array(0), last: 0 };

  /** @param hub the name of the topics, which are a group of their own in a process. */
  constructor(hub: string) {
    const hash = createHash('sha256').update(JSON.stringify([processFacts, hub]));
    this.#origin = Buffer.from(hash.digest('base64url'));
    const sender = Buffer.concat([this.#origin, Buffer.from([0]), Buffer.from(randomUUID())]);
    this.#head = Buffer.concat([
      Buffer.from([0, sender.length]),
      sender,
      Buffer.alloc(COUNT_BYTES),
    ]);
  }

  pack(data: Bytes): Buffer {
    const isText = typeof data === 'string';
    const payload = isText ? Buffer.from(data) : data;
    const head = this.#head;
    head[0] = isText ? 1 : 0;
    head.writeUIntBE(++this.#count, head.length - COUNT_BYTES, COUNT_BYTES);
    const message = Buffer.allocUnsafe(head.length + payload.length);
    message.set(head);
    message.set(payload, head.length);
    return message;
  }

  /** Null for what loops of this process and hub have sent, what was opened before, and no envelope. */
  open(message: Uint8Array): Bytes | null {
    const length = message[1] ?? 0;
    const start = 2 + length + COUNT_BYTES;
    if (message.length < start) return null;
    const sender = isFrom(this.#before.name, message) ? this.#before : this.#senderOf(message);
    if (sender === null) return null;
    const count = countAt(message, 2 + length);
    if (count <= sender.last) return null;
    sender.last = count;
    const { buffer, byteOffset } = message;
    const data = Buffer.from(buffer, byteOffset + start, message.length - start);
    return message[0] === 1 ? data.toString() : data;
  }

  /** Null for loops of this process and hub. */
  #senderOf(message: Uint8Array): Sender | null {
    // In memory of its own: a small Buffer would keep that of many others.
    const name = new Uint8Array(message.subarray(2, 2 + (message[1] as number)));
    const end = name.indexOf(0);
    if (end < 0 || this.#origin.equals(name.subarray(0, end))) return null;
    const key = Buffer.from(name.buffer).toString('latin1');
    const known = this.#senders.get(key);
    this.#before = known ?? { name, last: 0 };
    if (known === undefined) this.#remember(key, this.#before);
    return this.#before;
  }

  #remember(key: string, sender: Sender): void {
    this.#senders.set(key, sender);
    if (this.#senders.size <= sendersMax) return;
    for (const oldest of this.#senders.keys()) {
      this.#senders.delete(oldest);
      return;
    }
  }
}

/** In place: it is asked for each message. */
function isFrom(name: Uint8Array, message: Uint8Array): boolean {
  const { length } = name;
  if (length === 0 || message[1] !== length) return false;
  // Their ends differ first: loops of one process begin alike.
  for (let index = length - 1; index >= 0; index--) {
    if (name[index] !== message[2 + index]) return false;
  }
  return true;
}

/** As `readUIntBE`. */
function countAt(message: Uint8Array, start: number): number {
  let count = 0;
  for (let index = start; index < start + COUNT_BYTES; index++) {
    count = count * 256 + (message[index] as number);
  }
  return count;
}
