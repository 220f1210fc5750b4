import { type EventHandler, type Options, type Server, serve } from '../index.ts';
import {
  AttachedServer,
  type ConnectionHandlerOptions,
  type ConnectionServer,
  keepsHalfOpen,
} from './attached-server.ts';

/**
 * The options of `serve`, except those that do not apply to streams. With `tls`, gnet does TLS
 * instead of the server: `http.createServer` is enough then.
 */
export type AttachOptions = Omit<
  Options,
  'codec' | 'allowHalfOpen' | 'overflow' | 'lowWaterMark' | 'block' | 'ticker'
> & {
  /**
   * See `ConnSocketOptions`. Default: what the server itself says; `http.createServer` keeps it
   * open.
   */
  readonly allowHalfOpen?: boolean;
  /** See `AttachedOptions`. */
  readonly waitForConnections?: boolean;
};

/**
 * Listens on behalf of a server made for `node:net`, and passes each connection to it as a
 * `'connection'` event: an `http.Server`, `https.Server`, `tls.Server`, a server of `http2`, or any
 * emitter that takes sockets. The server emits `'listening'` and `'close'`; its `address()`,
 * `listening`, `close()` and `getConnections()` describe these listeners until it is closed.
 *
 * `stop()` of the returned server or `close()` of the attached one ends both. They accept nothing
 * more, close idle HTTP connections and answer the requests under way, up to the timeout of the
 * stop.
 * @throws as `serve`, and leaves the server as it was. ErrUnsupportedOp if the server is already
 * attached.
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
 * The handler that `attach` uses, for a handler module: each loop creates its own server and
 * exports this handler for it. With `server` of the module's `LoopContext` among the options,
 * `close()` of one of these servers stops all loops, as `stop()` does.
 */
export function connectionHandler(
  server: ConnectionServer,
  options: ConnectionHandlerOptions = {},
): EventHandler {
  return handlerOf(attachedServer(server, options));
}

function attachedServer(
  server: ConnectionServer,
  options: ConnectionHandlerOptions,
): AttachedServer {
  return new AttachedServer(server, { allowHalfOpen: keepsHalfOpen(server), ...options });
}

function handlerOf(attached: AttachedServer): EventHandler {
  return {
    onInitComplete: (running) => attached.listens(running),
    onOpened: (c) => attached.connected(c),
  };
}
