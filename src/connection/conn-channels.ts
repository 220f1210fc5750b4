/** What channels tell of connections. Called rarely: when one opens, ends, or is slow. */
import { channels } from '../base/channels.ts';
import type { ChannelMessages } from './channel-messages.ts';
import type { Conn } from './conn.ts';

/** The number of a loop that is no program's: nothing is told of its connections. */
export const unseenLoop = -1;

export function tellOpen(connection: Conn): void {
  if (!channels.connOpen.hasSubscribers || connection.loop.index === unseenLoop) return;
  channels.connOpen.publish({ connection } satisfies ChannelMessages['gnet:conn.open']);
}

/** Only of one that was open. */
export function tellClose(connection: Conn, error: Error | undefined): void {
  const { connError, connClose } = channels;
  if (!connClose.hasSubscribers && !connError.hasSubscribers) return;
  if (connection.loop.index === unseenLoop) return;
  if (error !== undefined && connError.hasSubscribers) {
    connError.publish({ connection, error } satisfies ChannelMessages['gnet:conn.error']);
  }
  if (!connClose.hasSubscribers) return;
  connClose.publish({ connection, error } satisfies ChannelMessages['gnet:conn.close']);
}

export function tellBackpressure(connection: Conn, state: 'above' | 'drained'): void {
  if (!channels.connBackpressure.hasSubscribers || connection.loop.index === unseenLoop) return;
  const buffered = connection.outboundBuffered();
  const message: ChannelMessages['gnet:conn.backpressure'] = { connection, state, buffered };
  channels.connBackpressure.publish(message);
}
