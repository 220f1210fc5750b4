import { isMemoryLack } from '../base/memory-lack.ts';
import type { Slab, SlabPool } from '../buffer/slab.ts';
import type { StreamReceiver } from '../driver/transport.ts';
import { readHeadroomBytes } from '../base/limits.ts';

/**
 * Gives bytes that a layer has read, and that belong to whoever comes next, to that one as if they had
 * just been received: in pieces that fit a slab of the loop's reads. Without memory for such a slab
 * that one hears `failed`, and nobody else does.
 */
export function replayBytes(
  receiver: Pick<StreamReceiver, 'received' | 'failed'>,
  pool: SlabPool,
  bytes: Uint8Array,
): void {
  const pieceMax = pool.slabBytes - readHeadroomBytes;
  for (let at = 0; at < bytes.length; at += pieceMax) {
    const piece = bytes.subarray(at, at + pieceMax);
    const slab = takeFor(receiver, pool);
    if (slab === null) return;
    slab.bytes.set(piece, readHeadroomBytes);
    receiver.received(slab, readHeadroomBytes, readHeadroomBytes + piece.length);
    pool.release(slab);
  }
}

function takeFor(receiver: Pick<StreamReceiver, 'failed'>, pool: SlabPool): Slab | null {
  try {
    return pool.take();
  } catch (error) {
    if (!isMemoryLack(error)) throw error;
    receiver.failed(error);
    return null;
  }
}
