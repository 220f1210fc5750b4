import { type FirstBytes, readFirstBytes } from './client-hello.ts';
import { helloBytesMax } from './limits.ts';

const nothing = new Uint8Array(0);

/**
 * What a client sends before its first message is whole. A message that comes in one piece is looked at
 * where it is; only the beginning of one is copied.
 */
export class HelloCollector {
  /** Null when nothing is kept. Not of the shared pool: OpenSSL reads it by its address. */
  #memory: Buffer | null = null;
  #length = 0;
  /** So many bytes of it are worth another look. */
  #needed = 0;

  /**
   * What the bytes so far are, these included; null when there are too few for another look. They are
   * kept when `incomplete`.
   */
  look(bytes: Uint8Array, start: number, end: number): FirstBytes | null {
    if (this.#memory === null) {
      const first = readFirstBytes(bytes, start, end);
      if (first.kind === 'incomplete') this.#keepOn(first.needed, bytes, start, end);
      return first;
    }
    this.keep(bytes, start, end);
    if (this.#length < this.#needed) return null;
    const first = readFirstBytes(this.#memory, 0, this.#length);
    if (first.kind === 'incomplete') this.#needed = first.needed;
    return first;
  }

  #keepOn(needed: number, bytes: Uint8Array, start: number, end: number): void {
    this.#needed = needed;
    if (!this.isTooLong) this.keep(bytes, start, end);
  }

  /** Real ones have 2 KiB at most, some 17. */
  get isTooLong(): boolean {
    return Math.max(this.#length, this.#needed) > helloBytesMax;
  }

  /** Copies what belongs behind the bytes so far. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    const before = this.#memory;
    if (before === null || length > before.length) {
      // Doubled, so that a hello that comes byte by byte is not copied for each.
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * (before?.length ?? 0)));
      before?.copy(larger, 0, 0, this.#length);
      this.#memory = larger;
    }
    this.#memory?.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  get isEmpty(): boolean {
    return this.#memory === null;
  }

  /** What is kept; valid until the next call of `look` or `keep`. */
  get bytes(): Uint8Array {
    return this.#memory === null ? nothing : this.#memory.subarray(0, this.#length);
  }

  /** Returns the kept bytes and forgets them; null if there are none. */
  take(): Buffer | null {
    const taken = this.#memory === null ? null : this.#memory.subarray(0, this.#length);
    this.#memory = null;
    this.#length = 0;
    this.#needed = 0;
    return taken;
  }
}
