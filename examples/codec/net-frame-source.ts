import type { FrameSource } from 'gnet/codec';

const EMPTY = Buffer.alloc(0);

/** What a codec needs of a connection, for bytes that come from elsewhere, such as `node:net`. */
export class NetFrameSource implements FrameSource {
  context: unknown = undefined;
  codecState: unknown = undefined;
  scanned = 0;
  #available: Buffer = EMPTY;

  receive(piece: Buffer): void {
    this.#available =
      this.#available.length === 0 ? piece : Buffer.concat([this.#available, piece]);
  }

  bufferLength(): number {
    return this.#available.length;
  }

  read(): Buffer {
    return this.#available;
  }

  readN(n: number): Buffer {
    const isInRange = n > 0 && n <= this.#available.length;
    return isInRange ? this.#available.subarray(0, n) : this.#available;
  }

  shiftN(n: number): number {
    const length = this.#available.length;
    const taken = n < 0 || n > length ? length : n;
    if (taken > 0) {
      this.#available = this.#available.subarray(taken);
      this.scanned = 0;
    }
    return taken;
  }

  resetBuffer(): void {
    this.shiftN(-1);
  }

  byteAt(offset: number): number {
    return this.#available[offset] as number;
  }

  indexOfByte(byte: number, from: number): number {
    return this.#available.indexOf(byte, from);
  }
}
