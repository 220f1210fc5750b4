import { type EventHandler, type Options, type Server, serve } from '../index.ts';
import {
  type AttachedOptions,
  AttachedServer,
  type ConnectionServer,
  keepsHalfOpen,
} from './attached-server.ts';

/**
 * The options of `serve`, less those that a stream has its own way with. `tls` has gnet speak TLS, in
 * place of the server: `http.createServer` is enough then.
 */
export type AttachOptions = Omit<
  Options,
  'codec' | 'allowHalfOpen' | 'overflow' | 'lowWaterMark' | 'block' | 'ticker'
> & {
  /** See `ConnSocketOptions`; what the server says when left out: `http.createServer` keeps it open. */
  readonly allowHalfOpen?: boolean;
  /** See `AttachedOptions`. */
  readonly waitForConnections?: boolean;
};

/**
 * Listens for a server made for `node:net`, and gives it each connection as its `'connection'` event:
 * `http.Server`, `https.Server`, `tls.Server`, those of `http2`, or any emitter that takes sockets.
 * The server emits `'listening'` and `'close'`; its `address()`, `listening`, `close()` and
 * `getConnections()` are about these listeners, until it is closed.
 *
 * `stop()` of what this resolves to, or `close()` of the server, ends both: no more is accepted, idle
 * HTTP connections are closed, requests under way are answered, up to the timeout of the stop.
 * @throws as `serve`; then the server is as it was. ErrUnsupportedOp for a server that is attached already.
 */
export async function attach(
  server: ConnectionServer,
  address: string | readonly string[],
  options: AttachOptions = {},
): Promise<Server> {
  const { allowHalfOpen, highWaterMark, waitForConnections, ...rest } = options;
  const attached = attachedServer(server, {
    ...(allowHalfOpen !== undefined && { allowHalfOpen }),
    ...(highWaterMark !== undefined && { highWaterMark }),
    ...(waitForConnections !== undefined && { waitForConnections }),
  });
  try {
    const running = await serve(handlerOf(attached), address, rest);
    attached.listens(running);
    return running;
  } catch (error) {
    attached.restore();
    throw error;
  }
}

/**
 * The handler that `attach` serves with, for a handler module: each loop makes a server of its own, and
 * exports this for it.
 */
export function connectionHandler(
  server: ConnectionServer,
  options: AttachedOptions = {},
): EventHandler {
  return handlerOf(attachedServer(server, options));
}

function attachedServer(server: ConnectionServer, options: AttachedOptions): AttachedServer {
  return new AttachedServer(server, { allowHalfOpen: keepsHalfOpen(server), ...options });
}

function handlerOf(attached: AttachedServer): EventHandler {
  return {
    onInitComplete: (running) => attached.listens(running),
    onOpened: (c) => attached.connected(c),
  };
}
