import { ticketKeyLayout } from './openssl/constants.ts';
import { randomTicketKey, TicketKeys } from './ticket-keys.ts';

const keysMax = 2;
/** Goes up by two for each change, and is odd while one is under way. */
const versionWord = 0;
const countWord = 1;
const keysOffset = 8;
const memoryBytes = keysOffset + keysMax * ticketKeyLayout.size;

/**
 * Keys in memory that every thread of a server sees: one of them rotates, and the others use the new
 * key from their next handshake on.
 */
export class SharedTicketKeys extends TicketKeys {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  #version = -1;
  #read: readonly Uint8Array[] = [];

  /** @param memory of another thread; without it, memory with one random key. */
  constructor(memory?: SharedArrayBuffer) {
    super([]);
    this.memory = memory ?? new SharedArrayBuffer(memoryBytes);
    this.#words = new Int32Array(this.memory, 0, 2);
    if (memory === undefined) this.#write([randomTicketKey()]);
  }

  #write(keys: readonly Uint8Array[]): void {
    Atomics.add(this.#words, versionWord, 1);
    keys.forEach((key, index) => {
      new Uint8Array(this.memory, keysOffset + index * ticketKeyLayout.size).set(key);
    });
    Atomics.store(this.#words, countWord, keys.length);
    Atomics.add(this.#words, versionWord, 1);
  }

  override get keys(): readonly Uint8Array[] {
    const version = Atomics.load(this.#words, versionWord);
    if (version === this.#version || (version & 1) === 1) return this.#read;
    const count = Atomics.load(this.#words, countWord);
    const read = Array.from({ length: count }, (_, index) =>
      new Uint8Array(
        this.memory,
        keysOffset + index * ticketKeyLayout.size,
        ticketKeyLayout.size,
      ).slice(),
    );
    // Another thread rotated the keys meanwhile: the next handshake checks again.
    if (Atomics.load(this.#words, versionWord) !== version) return this.#read;
    this.#version = version;
    this.#read = read;
    return read;
  }

  /** In every thread: these, newest first, in place of those before. */
  take(keys: readonly Uint8Array[]): void {
    this.#write(keys.slice(0, keysMax));
  }

  /** In every thread: tickets are made with a new key, and those of the key before are still read. */
  override rotate(newest: Uint8Array = randomTicketKey()): void {
    this.#write([newest, this.newest]);
  }
}
