/**
 * Echoes messages; under /fan, sends each to everybody there.
 *
 * usage: node websockets.ts --port PORT [--loops N]
 */
import { topics } from 'gnet/topics';
import { serveWebSocket, type WebSocketConn } from 'gnet/websocket';

type Client = WebSocketConn;

/** The last one that was given. */
function flag(name: string): string | undefined {
  const at = process.argv.lastIndexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
}

const hub = topics('bench');
const isFan = (ws: unknown): boolean => (ws as WebSocketConn<boolean>).data;

await serveWebSocket<boolean>(
  {
    open: (ws) => isFan(ws) && hub.subscribe(ws as Client, 'all'),
    message(ws, data) {
      if (!isFan(ws)) return data;
      hub.publish('all', data);
      return undefined;
    },
    close: (ws) => isFan(ws) && hub.leave(ws as Client),
  },
  `tcp://127.0.0.1:${flag('--port')}`,
  {
    accept: (request) => ({ data: request.url.endsWith('/fan') }),
    maxConnections: 20_000,
    numEventLoop: Number(flag('--loops') ?? 1),
  },
);
