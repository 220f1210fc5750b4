/** Plaintext that has come out of a socket of `node:tls` and was not delivered yet. */
export class PlainInput {
  readonly #pieces: Buffer[] = [];

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  push(bytes: Buffer): void {
    if (bytes.length > 0) this.#pieces.push(bytes);
  }

  /** Moves what fits to `into`, from `start` on; returns where it ends there. */
  moveTo(into: Uint8Array, start: number): number {
    let end = start;
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      const count = Math.min(piece.length, into.length - end);
      into.set(piece.subarray(0, count), end);
      end += count;
      if (count < piece.length) {
        this.#pieces[0] = piece.subarray(count);
        break;
      }
      this.#pieces.shift();
    }
    return end;
  }

  clear(): void {
    this.#pieces.length = 0;
  }
}
