import { ErrInvalidOption, type Options, type ProxiedConnection, type TlsInfo } from '../index.ts';
import { type HttpLimits, limitsFrom } from './limits.ts';

/** What a handler is told beside the request, and what it can ask for. */
export interface FetchInfo {
  /** `127.0.0.1:50000`: the client, or what the proxy in front named. */
  readonly remoteAddr: string;
  readonly localAddr: string;
  /** What TLS has agreed on; undefined on a plain connection. */
  readonly tls: TlsInfo | undefined;
  /** What the proxy in front told, with the option `proxyProtocol`. */
  readonly proxied: ProxiedConnection | undefined;
  /** Work that goes on behind the answer: a stop of the server waits for it, as for an answer. */
  waitUntil(promise: Promise<unknown>): void;
  /**
   * Sends `103 Early Hints` with these headers at once. Without effect behind the answer, and for
   * clients of HTTP/1.0.
   * @throws TypeError for a header that cannot be sent.
   */
  earlyHints(headers: HeadersInit): void;
  /** The trailers of the request; resolves when its body is complete, which somebody has to read. */
  readonly trailers: Promise<Headers>;
  /** Sent behind an answer whose length is not known, to a client that has said `TE: trailers`. */
  setTrailers(headers: HeadersInit): void;
}

type HeadersInit = NonNullable<ResponseInit['headers']>;

/** Whatever has a `fetch`: an app of Hono, h3, Elysia or itty-router, or an object literal. */
export interface FetchHandler {
  /**
   * Answers one request. The signal of the request is aborted when the client goes, also when it ends
   * its side only; the answer is sent all the same. What it throws, and what is no Response, goes to
   * `onError`.
   */
  fetch(request: Request, info: FetchInfo): Response | Promise<Response>;
}

/** Of the core, those that make sense here; what is left out is set by the package. */
type CoreOptions = Omit<Options, 'codec' | 'ticker' | 'allowHalfOpen' | 'maxFrameLength'>;

/** Times are in milliseconds from 1 on, and hold to within a second. */
export interface HttpOptions extends CoreOptions {
  /** What one request may be at most. */
  readonly limits?: Partial<HttpLimits>;
  /** From the first byte of a head to its end: 408 then. Default 20,000. */
  readonly headTimeout?: number;
  /** From the end of the head to that of the body, while somebody reads it: 408 then. Default 300,000. */
  readonly bodyTimeout?: number;
  /** A connection without a request is closed after that long. Default 60,000. */
  readonly keepAliveTimeout?: number;
  /** Bytes of a body that are kept for a handler that does not read them yet. Default 65,536. */
  readonly bodyHighWaterMark?: number;
  /**
   * Answers for a handler that has thrown or rejected, and hears of promises given to `waitUntil` that
   * reject; then the answer is not sent. Default: the error goes to the log, and 500 to the client.
   */
  readonly onError?: (error: unknown, request: Request) => Response | Promise<Response>;
  /**
   * Whether the globals `Request`, `Response` and `fetch` of this thread are replaced by ones that cost
   * less and take each other for what they are. Without it handlers get the runtime's own. Default true.
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
}

const TIME_MAX = 2 ** 31 - 1;

function milliseconds(name: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value >= 1 && value <= TIME_MAX) return value;
  throw new ErrInvalidOption(
    `cannot use option ${name}: it is ${String(value)}; give milliseconds from 1 to ${TIME_MAX}`,
  );
}

/**
 * Parts the options of this package from those of the core.
 * @throws ErrInvalidOption when one is wrong. Those of the core are checked by `serve`.
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
  };
  return { http, core };
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
