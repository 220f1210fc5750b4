/** Bytes that a transport had taken, and the kernel refused. */
import { isMemoryLack } from '../base/memory-lack.ts';
import type { OutboundQueue } from '../buffer/outbound-queue.ts';
import type { Slab } from '../buffer/slab.ts';
import { awaitTransport, block } from './blocking.ts';
import { scheduleFlush } from './deferred-tasks.ts';
import { breakOffFor, crossHigh, openQueue } from './outbound.ts';
import { type Connection, is, isClosed } from './record.ts';
import { mark } from './states.ts';

/**
 * They wait in front of everything else again. Those of a layer, which are not the program's as they
 * are, stay with the driver, and the connection waits for them; also when our end goes out behind them,
 * or there is no memory. False: the driver must see to them itself.
 */
export function takeBack(c: Connection | null, slab: Slab, start: number, end: number): boolean {
  if (c === null || isClosed(c) || is(c, mark.unopened)) return false;
  if (!isOurs(c) || !queueFirst(c, slab, start, end)) {
    if (!isClosed(c)) {
      awaitTransport(c);
      lookAtMark(c);
    }
    return false;
  }
  c.bytesSent -= end - start;
  c.rare?.flushWaiters?.taken(start - end);
  block(c);
  lookAtMark(c);
  return true;
}

/** Nothing else may be written that would have the policy looked at. */
function lookAtMark(c: Connection): void {
  if (c.queue === null || c.queue.length <= c.settings.highWaterMark) return;
  crossHigh(c);
  scheduleFlush(c);
}

function isOurs(c: Connection): boolean {
  return c.transport === c.owner.driver && !is(c, mark.writeShut);
}

/** False: there is no memory. */
function queueFirst(c: Connection, slab: Slab, start: number, end: number): boolean {
  let queue: OutboundQueue;
  try {
    queue = openQueue(c);
  } catch (error) {
    // What waited already is not queued, and nothing may follow what it was to precede.
    breakOffFor(c, error);
    return false;
  }
  try {
    queue.unshift(slab, start, end);
    return true;
  } catch (error) {
    if (!isMemoryLack(error)) throw error;
    return false;
  }
}
