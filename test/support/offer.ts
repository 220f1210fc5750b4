import assert from 'node:assert/strict';
import type { Conn } from 'gnet';
import type { StreamConnection } from '../../src/connection/stream-connection.ts';
import { waitUntil } from './wait-until.ts';

/** Whether the kernel takes no more of it for now. */
export function isRefused(c: Conn): boolean {
  const { transport, slot, isClosed } = c as unknown as StreamConnection;
  return isClosed || (transport.refuses?.(slot) ?? c.outboundBuffered() > 0);
}

/** Whether the kernel has everything that was written. */
export function hasEverything(c: Conn): boolean {
  const { transport, slot, isClosed } = c as unknown as StreamConnection;
  return !isClosed && c.outboundBuffered() === 0 && transport.handedOver(slot);
}

/** So many looks in a row, each with a turn of this thread's loop in between. */
const looks = 50;

/** Resolves when the kernel takes no more of it, also when it has had the time to make room. */
export async function untilStuck(c: Conn): Promise<void> {
  let left = -1;
  let same = 0;
  const isStuck = (): boolean => {
    same = isRefused(c) && c.outboundBuffered() === left ? same + 1 : 0;
    left = c.outboundBuffered();
    return same === looks;
  };
  await waitUntil(isStuck, 'the kernel is full');
}

/** Writes these, and resolves when the kernel has taken them or refuses what is left. */
export async function offer(c: Conn, bytes: Uint8Array): Promise<void> {
  assert.ok(!(c as unknown as StreamConnection).isClosed, 'it is open');
  c.asyncWrite(bytes);
  c.flush();
  await waitUntil(() => isRefused(c) || hasEverything(c), 'what the kernel says');
}
