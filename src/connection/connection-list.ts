/** What a server tells of its open connections, for people who look into it. */
import { oneWordOf, wholeNumber } from '../base/option-checks.ts';
import { localAddress, remoteAddress } from './addresses.ts';
import { bufferLength } from './inbound.ts';
import { outboundBuffered } from './outbound.ts';
import { State } from './states.ts';
import type { ConnectionInfo, ListOptions } from './server-view.ts';
import type { StreamConnection } from './stream-connection.ts';

const orders = [
  'age',
  'bytesReceived',
  'bytesSent',
  'inboundBuffered',
  'outboundBuffered',
] as const;
const defaultLimit = 1_000;
const asOrder = oneWordOf(orders);
const asLimit = wholeNumber(1, 1_000_000, 'connections');

/** Options of a list, all of them. */
export type ListOrder = Required<ListOptions>;

/** @throws ErrInvalidOption */
export function listOrder({ orderBy, limit }: ListOptions = {}): ListOrder {
  return {
    orderBy: orderBy === undefined ? 'age' : asOrder('orderBy', orderBy),
    limit: limit === undefined ? defaultLimit : asLimit('limit', limit),
  };
}

/** Of one loop, in its thread: those that come first in the order, and no more than are wanted. */
export function connectionList(
  connections: readonly StreamConnection[],
  { orderBy, limit }: ListOrder,
): ConnectionInfo[] {
  const now = Math.trunc(performance.now());
  const open = connections.filter((c) => c.isOpened && !c.isClosed);
  if (open.length > limit) {
    // Addresses cost a system call each the first time: only of those that are shown.
    const keys = new Map(open.map((c) => [c, keyOf(c, orderBy)]));
    open.sort((one, other) => (keys.get(other) as number) - (keys.get(one) as number));
    open.length = limit;
  }
  return open.map((c) => infoOf(c, now));
}

/** Of all loops. */
export function mergedList(
  lists: readonly (readonly ConnectionInfo[])[],
  { orderBy, limit }: ListOrder,
): ConnectionInfo[] {
  const all = lists.flat();
  return all.sort((one, other) => other[orderBy] - one[orderBy]).slice(0, limit);
}

function keyOf(c: StreamConnection, orderBy: ListOrder['orderBy']): number {
  if (orderBy === 'age') return -c.openedAt;
  if (orderBy === 'inboundBuffered') return bufferLength(c);
  return orderBy === 'outboundBuffered' ? outboundBuffered(c) : c[orderBy];
}

function infoOf(c: StreamConnection, now: number): ConnectionInfo {
  return {
    id: c.id,
    loop: c.owner.index,
    remoteAddr: remoteAddress(c),
    localAddr: localAddress(c),
    age: now - c.openedAt,
    bytesReceived: c.bytesReceived,
    bytesSent: c.bytesSent,
    inboundBuffered: bufferLength(c),
    outboundBuffered: outboundBuffered(c),
    state: c.state !== State.Open ? 'closing' : c.paused !== 0 ? 'paused' : 'open',
  };
}
