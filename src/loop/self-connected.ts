import type { GnetError } from '../base/errors.ts';
import type { Driver } from '../driver/contract.ts';
import { errnoNumber } from '../platform/index.ts';
import { syscallError } from '../platform/syscall-error.ts';

/**
 * A socket that dials a free port of its own machine may be given just that port as its own, and then
 * talks to itself (RFC 9293, simultaneous open). Nothing listens there, so it counts as refused.
 */
export function selfConnected(driver: Driver, slot: number): GnetError | null {
  const address = driver.remoteAddress(slot);
  // Unix sockets have no port and no such trouble.
  if (!/:\d+$/.test(address) || driver.localAddress(slot) !== address) return null;
  const refused = errnoNumber('ECONNREFUSED') ?? 0;
  return syscallError('connect', refused, `connect to ${address}`, address);
}
