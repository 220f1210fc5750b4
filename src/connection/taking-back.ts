/** Bytes that a transport had taken, and the kernel refused. */
import { isMemoryLack } from '../base/memory-lack.ts';
import type { Slab } from '../buffer/slab.ts';
import { block } from './blocking.ts';
import { crossHigh, openQueue } from './outbound.ts';
import { type Connection, is, isClosed } from './record.ts';
import { mark } from './states.ts';

/**
 * They wait in front of everything else again. Those of a layer, which are not the program's as they
 * are, stay with the driver, and the connection waits for them. False also when the driver must see to
 * them itself: our end goes out behind them, nothing is sent any more, or there is no memory.
 */
export function takeBack(c: Connection | null, slab: Slab, start: number, end: number): boolean {
  if (c === null || isClosed(c) || is(c, mark.writeShut | mark.unopened)) return false;
  if (c.transport !== c.owner.driver) {
    if (!is(c, mark.writeBlocked) && !c.transport.handedOver(c.slot)) block(c);
    return false;
  }
  try {
    openQueue(c).unshift(slab, start, end);
  } catch (error) {
    if (!isMemoryLack(error)) throw error;
    return false;
  }
  c.bytesSent -= end - start;
  c.rare?.flushWaiters?.taken(start - end);
  block(c);
  if (c.queue !== null && c.queue.length > c.settings.highWaterMark) crossHigh(c);
  return true;
}
