import { Random } from 'gnet/testing';

/** A prime length, so that no power-of-two mistake (a block twice, a block left out) looks right. */
const blockBytes = 65_521;

/**
 * An endless text of random bytes: what stands at each offset is known, so that gigabytes can be
 * compared byte for byte without being kept.
 */
export class BytePattern {
  readonly #block: Buffer;

  constructor(seed: number) {
    this.#block = new Random(seed).bytes(blockBytes);
  }

  /** A copy of the bytes at `offset..offset+length`. */
  slice(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    this.#eachPiece(offset, length, (piece, at) => {
      bytes.set(piece, at);
      return true;
    });
    return bytes;
  }

  /** Whether `bytes` are what stands at `offset`. */
  matches(offset: number, bytes: Uint8Array): boolean {
    return this.#eachPiece(
      offset,
      bytes.length,
      (piece, at) => piece.compare(bytes, at, at + piece.length) === 0,
    );
  }

  #eachPiece(
    offset: number,
    length: number,
    visit: (piece: Buffer, at: number) => boolean,
  ): boolean {
    let at = 0;
    while (at < length) {
      const from = (offset + at) % blockBytes;
      const piece = this.#block.subarray(from, Math.min(blockBytes, from + length - at));
      if (!visit(piece, at)) return false;
      at += piece.length;
    }
    return true;
  }
}

/** Compares a stream with a pattern as it comes in. */
export class PatternCheck {
  readonly #pattern: BytePattern;
  /** Bytes seen so far. */
  bytes = 0;
  /** Offset of the first piece with a wrong byte, or -1. */
  wrongAt = -1;

  constructor(pattern: BytePattern) {
    this.#pattern = pattern;
  }

  add(piece: Uint8Array): void {
    if (this.wrongAt === -1 && !this.#pattern.matches(this.bytes, piece)) this.wrongAt = this.bytes;
    this.bytes += piece.length;
  }
}
