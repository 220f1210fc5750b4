import { isUtf8 } from 'node:buffer';

/** Bytes of the character that this one begins; 0 when it begins none. */
function lengthOf(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** How many bytes at the end begin a character that is not complete. */
function openBytes(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back] as number;
    if ((byte & 0xc0) !== 0x80) return lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

/** Checks a text that comes in pieces, each as it comes: characters may be cut anywhere. */
export class Utf8Check {
  readonly #open = Buffer.alloc(4);
  #openLength = 0;

  /** False when no text begins like this. */
  push(bytes: Uint8Array): boolean {
    let start = 0;
    while (this.#openLength > 0 && start < bytes.length) {
      this.#open[this.#openLength++] = bytes[start++] as number;
      if (this.#openLength < lengthOf(this.#open[0] as number)) continue;
      if (!isUtf8(this.#open.subarray(0, this.#openLength))) return false;
      this.#openLength = 0;
    }
    if (start === bytes.length) return this.#canGoOn();
    const open = openBytes(bytes.subarray(start));
    const end = bytes.length - open;
    if (!isUtf8(bytes.subarray(start, end))) return false;
    this.#open.set(bytes.subarray(end));
    this.#openLength = open;
    return this.#canGoOn();
  }

  /** The second byte of a character may rule it out already. */
  #canGoOn(): boolean {
    if (this.#openLength < 2) return true;
    const whole = Buffer.alloc(lengthOf(this.#open[0] as number), 0x80);
    whole.set(this.#open.subarray(0, this.#openLength));
    return isUtf8(whole);
  }

  /** False when it ends in the middle of a character. Ready for the next text. */
  end(): boolean {
    const isComplete = this.#openLength === 0;
    this.#openLength = 0;
    return isComplete;
  }
}
