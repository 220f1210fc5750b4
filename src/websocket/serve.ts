import type { Server } from '../index.ts';
import { type FetchInfo, type HttpOptions, serveHttp } from '../http/index.ts';
import { upgrade } from './handshake.ts';
import {
  resolveWebSocketOptions,
  type WebSocketHandler,
  type WebSocketOptions,
} from './options.ts';

type Verdict<Data> = boolean | Response | { readonly data: Data };

/** What every WebSocket has, and what the server below it has. */
export interface WebSocketServerOptions<Data = unknown>
  extends WebSocketOptions<Data>,
    Omit<HttpOptions, 'bodyTimeout' | 'bodyHighWaterMark'> {
  /**
   * Called before a WebSocket is accepted: false answers 403, a Response is sent as the answer, and
   * an object accepts and sets the first value of `data`. Check the origin here. Default: accepts
   * everyone.
   */
  readonly accept?: (request: Request, info: FetchInfo) => Verdict<Data> | Promise<Verdict<Data>>;
}

/**
 * Serves only WebSockets, on any path. Inside a `gnet/http` server use `upgrade`. @throws
 * RangeError for wrong options, and what `serveHttp` throws, with nothing left open.
 */
export async function serveWebSocket<Data = unknown>(
  handler: WebSocketHandler<Data>,
  address: string | readonly string[],
  options: WebSocketServerOptions<Data> = {},
): Promise<Server> {
  const { accept, data, maxMessageBytes, deflate, protocols, pingInterval, ...rest } = options;
  const { closeTimeout, ...http } = rest;
  const own = defined({ maxMessageBytes, deflate, protocols, pingInterval, closeTimeout, data });
  resolveWebSocketOptions(own);
  const fetch = async (request: Request, info: FetchInfo): Promise<Response> => {
    const verdict = accept === undefined ? true : await accept(request, info);
    if (verdict instanceof Response) return verdict;
    if (verdict === false) return new Response('Forbidden\n', { status: 403 });
    const mine = typeof verdict === 'object' ? { ...own, data: verdict.data } : own;
    return upgrade(request, handler, mine as WebSocketOptions<Data>);
  };
  return serveHttp({ fetch }, address, {
    ...http,
    ...(closeTimeout !== undefined && { closeTimeout }),
  });
}

/** What is undefined counts as left out. */
function defined<Options extends object>(options: Options): WebSocketOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
