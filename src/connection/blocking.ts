/** Waiting for `writable`. */
import type { Connection } from './record.ts';
import { mark } from './states.ts';
import { stuckFromNow } from './timeout-clock.ts';

/** The transport takes nothing more: `writable` follows. */
export function block(c: Connection): void {
  c.marks |= mark.writeBlocked;
  stuckFromNow(c);
}

/** Tells those who wait, if the kernel has what was taken, or has the transport tell when it has. */
export function settleFlushed(c: Connection): void {
  const { rare } = c;
  if (rare === null || rare.flushWaiters === null) return;
  if (!c.transport.handedOver(c.slot)) block(c);
  else if (rare.flushWaiters.handedOver()) rare.flushWaiters = null;
}
