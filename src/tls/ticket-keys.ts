import { hkdfSync, randomBytes } from 'node:crypto';
import { ErrInvalidOption } from '../base/errors.ts';
import { ticketKeyLayout } from './openssl/constants.ts';

/** What `ticketKeys` of `node:tls` has: a name, and secrets that longer ones are made of here. */
const shortKeyBytes = 48;

/** A key of the length that OpenSSL wants. */
function wholeKey(given: Uint8Array): Uint8Array {
  if (given.length === ticketKeyLayout.size) return Uint8Array.from(given);
  if (given.length !== shortKeyBytes) {
    throw new ErrInvalidOption(
      `ticketKeys: a key has ${given.length} bytes; wanted are ${shortKeyBytes} (as in node:tls) or ` +
        `${ticketKeyLayout.size} (name, HMAC key, AES-256 key)`,
    );
  }
  const secret = given.subarray(ticketKeyLayout.name);
  const longer = hkdfSync('sha256', secret, '', 'gnet ticket keys', ticketKeyLayout.size - 16);
  const key = new Uint8Array(ticketKeyLayout.size);
  key.set(given.subarray(0, ticketKeyLayout.name));
  key.set(new Uint8Array(longer), ticketKeyLayout.name);
  return key;
}

/**
 * What session tickets are made with, so that every loop, and the process after a restart, can read
 * those of the others. Tickets are made with the newest key; the ones before it are still read.
 */
export class TicketKeys {
  #keys: readonly Uint8Array[];

  /**
   * @param given newest first; one random key when there are none.
   * @throws ErrInvalidOption when one has neither 48 nor 80 bytes.
   */
  constructor(given: readonly Uint8Array[] = []) {
    this.#keys = given.length === 0 ? [randomTicketKey()] : given.map(wholeKey);
  }

  /** Newest first: for other threads, and for the next process. Secret. */
  get keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  get newest(): Uint8Array {
    return this.keys[0] as Uint8Array;
  }

  /** From now on tickets are made with `newest`, and with it and the one before they are read. */
  rotate(newest: Uint8Array): void {
    this.#keys = [wholeKey(newest), this.newest];
  }

  /** The key that one of these tickets was made with; the newest when none is known. */
  keyFor(names: readonly Uint8Array[]): Uint8Array {
    for (const name of names) {
      for (const key of this.keys) {
        if (Buffer.compare(key.subarray(0, ticketKeyLayout.name), name) === 0) return key;
      }
    }
    return this.newest;
  }
}

/** A new random key. */
export function randomTicketKey(): Uint8Array {
  return new Uint8Array(randomBytes(ticketKeyLayout.size));
}
