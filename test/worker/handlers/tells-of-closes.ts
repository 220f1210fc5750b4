/** Tells a peer its id, and whoever listens to the channel of the query how connections were closed. */
import type { Conn, EventHandler } from 'gnet';

const channel = new BroadcastChannel(new URL(import.meta.url).searchParams.get('channel') ?? '');
(channel as unknown as { unref(): void }).unref();

const handler: EventHandler = {
  onOpened: (c: Conn) => `${c.id}\n`,
  onClosed(_c, error) {
    channel.postMessage(error === undefined ? 'in order' : (error as { code?: string }).code);
  },
};

export default handler;
