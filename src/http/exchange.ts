import type { Conn, ProxiedConnection, TlsInfo } from '../index.ts';
import { LightHeaders } from './light-headers.ts';
import { LightRequest } from './light-request.ts';
import type { FetchInfo, ResolvedHttpOptions } from './options.ts';
import type { HttpParser } from './parser.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestUrls } from './request-url.ts';
import { type ResponseHead, statusLine } from './response-head.ts';
import { RealHeaders } from './web-stand-in.ts';

type HeadersInit = NonNullable<ResponseInit['headers']>;

/** How far the answer has come. */
export const AnswerState = {
  /** The handler is at work. */
  Awaited: 0,
  /** Its head is out. */
  Begun: 1,
  /** It is out, or will never be. */
  Over: 2,
} as const;
export type AnswerState = (typeof AnswerState)[keyof typeof AnswerState];

/** What connections and answers need of the server of their loop. */
export interface HttpServing {
  readonly options: ResolvedHttpOptions;
  readonly urls: RequestUrls;
  readonly head: ResponseHead;
  readonly dateLine: string;
  readonly isStopping: boolean;
  takeParser(): HttpParser;
  giveParser(parser: HttpParser): void;
  /** Calls the handler, and sends what it answers, now or later. */
  answer(exchange: Exchange): void;
  /** The handler failed, or its answer before anything of it had left: sends another one. */
  failed(exchange: Exchange, error: unknown): void;
  /** For the log: a fault of the program's. */
  report(message: string, error: unknown): void;
  waitUntil(promise: Promise<unknown>, exchange: Exchange): void;
  writeRefusal(conn: Conn, status: number): void;
  /** It is no connection of HTTP any more. */
  giveAway(connection: ExchangeConnection): void;
}

/** What an exchange and its answer need of the connection. */
export interface ExchangeConnection {
  readonly conn: Conn;
  readonly server: HttpServing;
  /** The answer at work is the last of this connection. */
  isLast: boolean;
  /**
   * Ends the connection when a limit has passed. @param heard up to then everything that had come was
   * handled; @param now what began since the last look counts from here.
   */
  checkTime(heard: number, now: number): void;
  finish(exchange: Exchange): void;
  breakOff(exchange: Exchange, isFramed: boolean): void;
  drained(): Promise<void>;
  /** Some of the answer is out. */
  spoke(): void;
  leave(exchange: Exchange): void;
}

/** Requests as handlers get them, where those are the runtime's own. */
const exchanges = new WeakMap<Request, Exchange>();

/** One request and its answer; also what the handler is given as `info`. */
export class Exchange implements FetchInfo {
  readonly connection: ExchangeConnection;
  readonly light: LightRequest;
  /** As the handler gets it. */
  readonly request: Request;
  readonly body: RequestBody | null;
  readonly isHead: boolean;
  /** The x of HTTP/1.x. */
  readonly minorVersion: number;
  state: AnswerState = AnswerState.Awaited;
  /** The client waits for `100 Continue`, and nothing of the body has come. */
  awaitsContinue: boolean;
  /** Another answer takes the place of the handler's. */
  hasFailed = false;
  /** Trailers of the answer, as lines with line ends. */
  trailerText = '';
  /** Is told when the answer will never be out. */
  onBrokenOff: (() => void) | null = null;
  #trailers: Promise<Headers> | null = null;

  constructor(
    connection: ExchangeConnection,
    light: LightRequest,
    body: RequestBody | null,
    minorVersion: number,
    awaitsContinue: boolean,
  ) {
    this.connection = connection;
    this.light = light;
    light.origin = this;
    this.body = body;
    this.isHead = light.method === 'HEAD';
    this.minorVersion = minorVersion;
    this.awaitsContinue = awaitsContinue;
    if (connection.server.options.overrideGlobalObjects) {
      this.request = light as unknown as Request;
    } else {
      this.request = light.real;
      exchanges.set(this.request, this);
    }
  }

  get remoteAddr(): string {
    return this.connection.conn.remoteAddr;
  }

  get localAddr(): string {
    return this.connection.conn.localAddr;
  }

  get tls(): TlsInfo | undefined {
    return this.connection.conn.tls;
  }

  get proxied(): ProxiedConnection | undefined {
    return this.connection.conn.proxied;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.connection.server.waitUntil(promise, this);
  }

  earlyHints(headers: HeadersInit): void {
    const lines = linesOf(this, headers);
    if (this.state !== AnswerState.Awaited || this.minorVersion === 0) return;
    this.connection.conn.writeNoCodec(Buffer.from(`${statusLine(103, '')}${lines}\r\n`, 'latin1'));
  }

  get trailers(): Promise<Headers> {
    const { body } = this;
    this.#trailers ??= Promise.resolve(body === null ? '' : body.completion()).then(
      (text) => new LightHeaders(text).real,
    );
    return this.#trailers;
  }

  setTrailers(headers: HeadersInit): void {
    this.trailerText = linesOf(this, headers);
  }

  /** Tells a client that waits for it to send the body. */
  sendContinue(): void {
    if (!this.awaitsContinue || this.state !== AnswerState.Awaited) return;
    this.awaitsContinue = false;
    this.connection.conn.writeNoCodec('HTTP/1.1 100 Continue\r\n\r\n');
  }
}

/** As header lines. @throws TypeError for what cannot be sent. */
function linesOf(exchange: Exchange, headers: HeadersInit): string {
  const { head } = exchange.connection.server;
  head.begin(200, '');
  const { length } = head.text;
  head.addAll(new RealHeaders(headers));
  return head.text.slice(length);
}

/** The exchange that a request of a handler belongs to; undefined for one that came from elsewhere. */
export function exchangeOf(request: Request): Exchange | undefined {
  if (request instanceof LightRequest) return request.origin as Exchange;
  return exchanges.get(request);
}
