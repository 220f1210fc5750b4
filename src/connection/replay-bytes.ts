import type { SlabPool } from '../buffer/slab.ts';
import type { StreamReceiver } from '../driver/transport.ts';
import { readHeadroomBytes } from '../base/limits.ts';

/**
 * Gives bytes that a layer has read, and that belong to whoever comes next, to that one as if they had
 * just been received: in pieces that fit a slab of the loop's reads.
 */
export function replayBytes(
  receiver: Pick<StreamReceiver, 'received'>,
  pool: SlabPool,
  bytes: Uint8Array,
): void {
  const pieceMax = pool.slabBytes - readHeadroomBytes;
  for (let at = 0; at < bytes.length; at += pieceMax) {
    const piece = bytes.subarray(at, at + pieceMax);
    const slab = pool.take();
    slab.bytes.set(piece, readHeadroomBytes);
    receiver.received(slab, readHeadroomBytes, readHeadroomBytes + piece.length);
    pool.release(slab);
  }
}
