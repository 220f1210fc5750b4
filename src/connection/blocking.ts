/** Waiting for `writable`. */
import { type Connection, is } from './record.ts';
import { mark } from './states.ts';
import { stuckFromNow } from './timeout-clock.ts';

/** The transport takes nothing more: `writable` follows. */
export function block(c: Connection): void {
  c.marks |= mark.writeBlocked;
  stuckFromNow(c);
}

/**
 * Has the transport tell when the kernel has what was taken. False: it has. Whoever waits already goes
 * on waiting, since the same moment: asking again and again is no progress.
 */
export function awaitTransport(c: Connection): boolean {
  if (c.transport.handedOver(c.slot)) return false;
  if (!is(c, mark.writeBlocked)) block(c);
  return true;
}

/** Tells those who wait, if the kernel has what was taken, or has the transport tell when it has. */
export function settleFlushed(c: Connection): void {
  const { rare } = c;
  if (rare === null || rare.flushWaiters === null || awaitTransport(c)) return;
  if (rare.flushWaiters.handedOver()) rare.flushWaiters = null;
}
