import { ErrInvalidOption, type Options, type ProxiedConnection, type TlsInfo } from '../index.ts';
import { type HttpLimits, limitsFrom } from './limits.ts';

/** What a handler gets besides the request. */
export interface FetchInfo {
  /** `127.0.0.1:50000`: the client's address, or the one from the PROXY header. */
  readonly remoteAddr: string;
  readonly localAddr: string;
  /** The result of the TLS handshake; undefined on a plain connection. */
  readonly tls: TlsInfo | undefined;
  /** What the PROXY header said, with the option `proxyProtocol`. */
  readonly proxied: ProxiedConnection | undefined;
  /**
   * For work that continues after the answer: a stop of the server waits for it within its timeout,
   * as for an answer.
   */
  waitUntil(promise: Promise<unknown>): void;
  /**
   * Sends `103 Early Hints` with these headers at once. It has no effect after the answer, and for
   * HTTP/1.0 clients. @throws TypeError for a header that cannot be sent.
   */
  earlyHints(headers: HeadersInit): void;
  /**
   * The trailers of the request; resolves when its body is complete, so the handler must read the
   * body.
   */
  readonly trailers: Promise<Headers>;
  /** Sends trailers after an answer of unknown length, if the client sent `TE: trailers`. */
  setTrailers(headers: HeadersInit): void;
}

type HeadersInit = NonNullable<ResponseInit['headers']>;

/**
 * Any object with a `fetch` method: a Hono, h3, Elysia or itty-router app, or an object literal.
 */
export interface FetchHandler {
  /**
   * Answers one request. The request's signal aborts when the client disconnects, and also when the
   * client only ends its own side; gnet still sends the answer. If `fetch` throws or does not
   * return a Response, gnet calls `onError`.
   */
  fetch(request: Request, info: FetchInfo): Response | Promise<Response>;
}

/** The options of the core that make sense here; this package sets the others. */
type CoreOptions = Omit<Options, 'codec' | 'ticker' | 'allowHalfOpen' | 'maxFrameLength'>;

/** Times are in milliseconds, at least 1, and accurate to one second. */
export interface HttpOptions extends CoreOptions {
  /** Size limits of one request. */
  readonly limits?: Partial<HttpLimits>;
  /** Time from the first byte of a head to its end; then 408. Default 20,000. */
  readonly headTimeout?: number;
  /**
   * Time from the end of the head to the end of the body, while the handler reads it; then 408.
   * Default 300,000.
   */
  readonly bodyTimeout?: number;
  /** Time without a request after which a connection closes. Default 60,000. */
  readonly keepAliveTimeout?: number;
  /** Bytes of a body that may wait for the handler. Default 65,536. */
  readonly bodyHighWaterMark?: number;
  /**
   * Makes the answer if the handler threw or rejected. Also called when a promise passed to
   * `waitUntil` rejects; gnet then ignores the answer. Default: logs the error and answers 500.
   */
  readonly onError?: (error: unknown, request: Request) => Response | Promise<Response>;
  /**
   * Replaces this thread's globals `Request`, `Response` and `fetch` with light ones that cost less
   * and accept each other. With false, handlers get the runtime's own objects. Default true.
   */
  readonly overrideGlobalObjects?: boolean;
}

/** Every option of the package, checked. */
export interface ResolvedHttpOptions {
  readonly limits: HttpLimits;
  readonly headTimeout: number;
  readonly bodyTimeout: number;
  readonly keepAliveTimeout: number;
  readonly bodyHighWaterMark: number;
  readonly onError: HttpOptions['onError'];
  readonly overrideGlobalObjects: boolean;
  /**
   * Bytes that may wait behind a request that is being answered; reading pauses beyond. Until then the
   * server sees that the client has gone.
   */
  readonly aheadMax: number;
}

const AHEAD_MAX = 64 * 1024;
/** Of the core: what one read brings at most, and what a connection may hold. */
const READ_BUFFER_CAP = 64 * 1024;
const INBOUND_MAX = 16 * 1024 * 1024;
const TIME_MAX = 2 ** 31 - 1;

function milliseconds(name: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value >= 1 && value <= TIME_MAX) return value;
  throw new ErrInvalidOption(
    `cannot use option ${name}: it is ${String(value)}; give milliseconds from 1 to ${TIME_MAX}`,
  );
}

/**
 * Separates the options of this package from those of the core. @throws ErrInvalidOption if one is
 * wrong. `serve` checks the options of the core.
 */
export function resolveHttpOptions(options: HttpOptions): {
  readonly http: ResolvedHttpOptions;
  readonly core: Options;
} {
  const {
    limits,
    headTimeout,
    bodyTimeout,
    keepAliveTimeout,
    bodyHighWaterMark = 65_536,
    onError,
    overrideGlobalObjects = true,
    ...core
  } = options;
  if (!Number.isSafeInteger(bodyHighWaterMark) || bodyHighWaterMark < 1) {
    throw new ErrInvalidOption(
      `cannot use option bodyHighWaterMark: it is ${bodyHighWaterMark}; give bytes from 1 on`,
    );
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw new ErrInvalidOption(
      `cannot use option onError: it is a ${typeof onError}; give a function`,
    );
  }
  const http = {
    limits: checkedLimits(limits),
    headTimeout: milliseconds('headTimeout', headTimeout, 20_000),
    bodyTimeout: milliseconds('bodyTimeout', bodyTimeout, 300_000),
    keepAliveTimeout: milliseconds('keepAliveTimeout', keepAliveTimeout, 60_000),
    bodyHighWaterMark,
    onError,
    overrideGlobalObjects: overrideGlobalObjects !== false,
    aheadMax: aheadMaxOf(core),
  };
  return { http, core };
}

/** One more read must fit into what the connection may hold. */
function aheadMaxOf({ readBufferCap = 0, maxInboundBytes = INBOUND_MAX }: Options): number {
  // The core makes a power of two of it.
  const read = 2 * Math.max(READ_BUFFER_CAP, readBufferCap);
  return Math.max(0, Math.min(AHEAD_MAX, maxInboundBytes - read));
}

function checkedLimits(limits: Partial<HttpLimits> | undefined): HttpLimits {
  try {
    return limitsFrom(limits ?? {});
  } catch (error) {
    throw new ErrInvalidOption(`cannot use option limits: ${(error as Error).message}`);
  }
}

/** @throws ErrInvalidOption when it has no `fetch`. */
export function checkHandler(handler: unknown): asserts handler is FetchHandler {
  if (typeof (handler as FetchHandler | null | undefined)?.fetch === 'function') return;
  throw new ErrInvalidOption(
    'cannot use the handler: give an object with fetch(request, info), such as an app of Hono, or ' +
      'the URL of a module that exports one as default',
  );
}
