import { isDeepStrictEqual } from 'node:util';
import {
  type Client,
  type ClientOptions,
  type Conn,
  client,
  ErrInvalidNetworkAddress,
} from '../index.ts';
import { ClientHandshake, headCodec, isInterim } from './client-handshake.ts';
import { begin } from './codec.ts';
import { Deflate } from './deflate.ts';
import { clockFor } from './handshake.ts';
import {
  resolveWebSocketOptions,
  TIME_MAX,
  type WebSocketConn,
  type WebSocketHandler,
  type WebSocketOptions,
} from './options.ts';
import { WebSocketSession } from './session.ts';

export interface WebSocketClientOptions<Data = unknown> extends WebSocketOptions<Data> {
  /**
   * Further headers of the handshake, such as `Authorization`, `Cookie` or `Origin`. A `Host` replaces
   * that of the URL; the handshake's own (`Connection`, `Upgrade`, `Sec-WebSocket-…`) are refused.
   */
  readonly headers?: NonNullable<ResponseInit['headers']>;
  /** TLS for `wss:`, as of `client`. */
  readonly tls?: ClientOptions['tls'];
  /**
   * Milliseconds until the WebSocket must be open; then a `TimeoutError`. `Infinity` is without a
   * limit. Default 30,000.
   */
  readonly timeout?: number;
  /** Cancels the attempt when it aborts. */
  readonly signal?: AbortSignal;
}

const TIMEOUT = 30_000;

/** One attempt; `c.context` until the WebSocket begins. */
class Attempt {
  readonly opened: Promise<WebSocketSession>;
  readonly start: (conn: Conn<unknown>, head: string) => WebSocketSession;
  readonly #resolve: (session: WebSocketSession) => void;
  readonly #reject: (error: unknown) => void;

  constructor(start: Attempt['start']) {
    this.start = start;
    let settle!: [(session: WebSocketSession) => void, (error: unknown) => void];
    this.opened = new Promise((...both) => {
      settle = both;
    });
    [this.#resolve, this.#reject] = settle;
    // If dialling fails, nothing handles this promise.
    this.opened.catch(() => {});
  }

  answered(conn: Conn<unknown>, head: string): void {
    if (isInterim(head)) return;
    try {
      this.#resolve(this.start(conn, head));
    } catch (error) {
      this.#reject(error);
      conn.close();
    }
  }

  failed(error: Error | undefined): void {
    this.#reject(
      error ?? new Error('Cannot begin the WebSocket: the server has closed the connection'),
    );
  }
}

/** The clients of this thread, one for each TLS; each ends with its last WebSocket. */
const clients = new Set<SharedClient>();

class SharedClient {
  readonly client: Promise<Client>;
  #users = 0;
  readonly #tls: ClientOptions['tls'];

  private constructor(tls: ClientOptions['tls']) {
    // The program may go on with its object.
    this.#tls = tls && { ...tls };
    const handler = {
      react: (head: Buffer, c: Conn<unknown>) => {
        (c.context as Attempt).answered(c, head.toString('latin1'));
      },
      onClosed: (c: Conn<unknown>, error?: Error) => (c.context as Attempt).failed(error),
    };
    this.client = client(handler as never, { codec: headCodec, ...(tls && { tls }) });
  }

  static of(tls: ClientOptions['tls']): SharedClient {
    let shared: SharedClient | undefined;
    for (const one of clients) if (isDeepStrictEqual(one.#tls, tls)) shared = one;
    shared ??= new SharedClient(tls);
    clients.add(shared);
    shared.#users++;
    return shared;
  }

  release(): void {
    if (--this.#users > 0) return;
    clients.delete(this);
    void this.client.then((own) => own.stop()).catch(() => {});
  }
}

/** `ws://host:port/path` as the core dials it. */
function addressOf(url: URL): string {
  const isSecure = url.protocol === 'wss:';
  if (!isSecure && url.protocol !== 'ws:') {
    throw new ErrInvalidNetworkAddress(
      `cannot connect to ${url.href}: it must begin with ws: or wss:`,
    );
  }
  const port = url.port === '' ? (isSecure ? 443 : 80) : url.port;
  return `${isSecure ? 'tls' : 'tcp'}://${url.hostname}:${port}`;
}

/**
 * Opens a WebSocket. Resolves when it is open, after `open` was called. @throws what dialling
 * throws, a `TimeoutError`, RangeError for wrong options, and an Error if the server refuses the
 * handshake. It then calls no event and leaves nothing open.
 */
export async function connectWebSocket<Data = unknown>(
  url: string | URL,
  handler: WebSocketHandler<Data> = {},
  options: WebSocketClientOptions<Data> = {},
): Promise<WebSocketConn<Data>> {
  const resolved = resolveWebSocketOptions(options as WebSocketOptions);
  const target = new URL(url);
  const address = addressOf(target);
  const handshake = new ClientHandshake(target, resolved);
  const request = handshake.request(options.headers);
  const giveUp = AbortSignal.any(limitsOf(options));
  // All options are right: what is begun from here on ends with the attempt.
  const shared = SharedClient.of(options.tls);
  let isReleased = false;
  const release = (): void => {
    if (!isReleased) shared.release();
    isReleased = true;
  };
  const ending: WebSocketHandler<Data> = {
    ...bound(handler),
    close(ws, code, reason) {
      release();
      return handler.close?.(ws, code, reason);
    },
  };
  const attempt = new Attempt((conn, head) => {
    const { protocol, deflate } = handshake.check(head);
    const session = new WebSocketSession<Data>({
      conn,
      handler: ending,
      options: resolved,
      isClient: true,
      protocol,
      deflate: deflate === null ? null : new Deflate(deflate, resolved.deflate ?? {}),
      clock: clockFor(conn, resolved.pingInterval),
      data: options.data as Data,
    });
    begin(session as WebSocketSession);
    return session as WebSocketSession;
  });
  let conn: Conn | undefined;
  const onAbort = (): void => {
    attempt.failed(giveUp.reason);
    conn?.reset();
  };
  try {
    const own = await shared.client;
    giveUp.throwIfAborted();
    conn = await own.dial(address, { context: attempt, signal: giveUp });
    giveUp.addEventListener('abort', onAbort, { once: true });
    conn.asyncWrite(request);
    return (await attempt.opened) as WebSocketSession<Data>;
  } catch (error) {
    release();
    throw error;
  } finally {
    giveUp.removeEventListener('abort', onAbort);
  }
}

/** What ends an attempt. @throws RangeError for a wrong timeout, TypeError for what is no signal. */
function limitsOf(options: Pick<WebSocketClientOptions, 'timeout' | 'signal'>): AbortSignal[] {
  const { timeout = TIMEOUT, signal } = options;
  const isTime = typeof timeout === 'number' && timeout >= 0 && timeout <= TIME_MAX;
  if (!isTime && timeout !== Number.POSITIVE_INFINITY) {
    throw new RangeError(
      `timeout is ${String(timeout)}: give milliseconds from 0 to ${TIME_MAX}, or Infinity`,
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal is no AbortSignal: give one, or none');
  }
  const limits = signal === undefined ? [] : [signal];
  return isTime ? [AbortSignal.timeout(timeout), ...limits] : limits;
}

/** The events of a handler that may be a class: they are called on it. */
function bound<Data>(handler: WebSocketHandler<Data>): WebSocketHandler<Data> {
  const events: Record<string, unknown> = {};
  for (const name of ['open', 'message', 'drain', 'pong'] as const) {
    const event = handler[name];
    if (event !== undefined) events[name] = event.bind(handler as never);
  }
  return events;
}
