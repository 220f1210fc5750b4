const FIRST_CAPACITY = 4 * 1024;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * A message that comes in pieces. It grows with what was received, never with what a length promises,
 * and pieces of any size cost no more than their bytes.
 */
export class MessageBuffer {
  #bytes: Buffer = EMPTY;
  length = 0;

  append(piece: Uint8Array): void {
    const needed = this.length + piece.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(needed, this.#bytes.length * 2, FIRST_CAPACITY),
      );
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.length);
    this.length = needed;
  }

  /** All of it, whose memory is the caller's. */
  take(): Buffer {
    const message = this.#bytes.subarray(0, this.length);
    this.#bytes = EMPTY;
    this.length = 0;
    return message;
  }
}
