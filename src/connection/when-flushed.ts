/** Waiting until what was written is in the kernel. */
import { flushed } from '../base/flushed.ts';
import { settleFlushed } from './blocking.ts';
import { FlushWaiters } from './flush-waiters.ts';
import { openQueue, outboundBuffered } from './outbound.ts';
import { type Connection, is, isClosed, rareOf } from './record.ts';
import { mark } from './states.ts';

/**
 * Settles when everything taken so far is in the kernel, or the connection is gone: at once when it is
 * gone already, since its slot may be another's.
 */
export function whenFlushed(c: Connection): Promise<void> {
  if (isClosed(c)) return Promise.resolve();
  const remaining = outboundBuffered(c);
  if (remaining === 0 && c.transport.handedOver(c.slot)) return flushed;
  // Answers in the read slab count with the queue.
  if (remaining > 0) openQueue(c);
  const rare = rareOf(c);
  rare.flushWaiters ??= new FlushWaiters();
  const sent = rare.flushWaiters.wait(remaining);
  if (remaining === 0) settleFlushed(c);
  return sent;
}

/** Pending output is not above the high watermark, or back at the low one. */
export function hasRoom(c: Connection): boolean {
  return !is(c, mark.aboveHigh);
}

/** Resolves when there is room again, or the connection is gone. */
export async function whenRoom(c: Connection): Promise<void> {
  while (!hasRoom(c) && !isClosed(c)) {
    const pending = outboundBuffered(c);
    if (pending === 0) return;
    openQueue(c);
    const rare = rareOf(c);
    rare.flushWaiters ??= new FlushWaiters();
    const above = pending - c.settings.lowWaterMark;
    try {
      await rare.flushWaiters.wait(Math.max(above, 1));
    } catch {
      return;
    }
  }
}
