import { RingFrameSource } from '../src/codec/ring-frame-source.ts';

/**
 * The bytes of one connection, without a connection: for tests of codecs. What `feed` is given
 * arrives as one piece; `decode(source)` then sees what it would see on a connection.
 */
export class ArrayFrameSource extends RingFrameSource {
  context: unknown = undefined;
  /** Bytes that `indexOfByte` and `byteAt` looked at. */
  bytesLookedAt = 0;
  /** The most bytes that were ever waiting after a `feed`. */
  highestLength = 0;

  override feed(bytes: Uint8Array): void {
    super.feed(bytes);
    this.highestLength = Math.max(this.highestLength, this.bufferLength());
  }

  override byteAt(offset: number): number {
    this.bytesLookedAt++;
    return super.byteAt(offset);
  }

  override indexOfByte(byte: number, from: number): number {
    const index = super.indexOfByte(byte, from);
    this.bytesLookedAt += (index < 0 ? this.bufferLength() : index + 1) - from;
    return index;
  }
}
