import { STATUS_CODES } from 'node:http';
import { type LoopWithWork, workBegins } from '../base/loop-work.ts';
import { isPromise, watch, whenSettled } from '../base/settled.ts';
import type { FrameSource, ICodec } from '../codec/index.ts';
import { type Conn, EventServer, type EventLoop, type Options, type TickReply } from '../index.ts';
import { AnswerWriter } from './answer-writer.ts';
import { CodecToCome, handlerToCome } from './codec-to-come.ts';
import {
  AnswerState,
  type Exchange,
  type ExchangeConnection,
  type HttpServing,
} from './exchange.ts';
import { asResponse } from './foreign-response.ts';
import { HttpConnection } from './http-connection.ts';
import { LightResponse } from './light-response.ts';
import type { FetchHandler, ResolvedHttpOptions } from './options.ts';
import { HttpParser } from './parser.ts';
import { RequestUrls } from './request-url.ts';
import { ResponseHead } from './response-head.ts';
import { cancel } from './stream-writer.ts';
import { SwitchedProtocol } from './switched-protocol.ts';

/** What of a connection comes next is known by its `HttpConnection`: this serves all of a loop. */
export const fetchCodec: ICodec<HttpConnection> = {
  encode: (_source, bytes) => bytes,
  decode: (source: FrameSource) => (source.context as HttpConnection).decode(source),
};

type Logger = NonNullable<Options['logger']>;

/** Has a `fetch` handler answer the requests of one loop. */
export class FetchServer
  extends EventServer<HttpConnection, HttpConnection>
  implements HttpServing
{
  readonly options: ResolvedHttpOptions;
  readonly urls = new RequestUrls();
  readonly head = new ResponseHead();
  dateLine = '';
  isStopping = false;
  readonly #handler: FetchHandler;
  readonly #logger: Logger;
  readonly #writer: AnswerWriter;
  readonly #connections = new Set<ExchangeConnection>();
  /** A limit is noticed after at most three of these; milliseconds. */
  readonly #checkInterval: number;
  /** A look at the limits is to come. */
  #willLook = false;
  #spare: HttpParser | null = null;
  readonly #codecToCome: CodecToCome;

  constructor(handler: FetchHandler, options: ResolvedHttpOptions, logger: Logger = console) {
    super();
    this.options = options;
    this.#handler = handler;
    this.#logger = logger;
    this.#writer = new AnswerWriter(this);
    this.#codecToCome = new CodecToCome(options.aheadMax);
    const { headTimeout, bodyTimeout, keepAliveTimeout } = options;
    const shortest = Math.min(headTimeout, bodyTimeout, keepAliveTimeout);
    this.#checkInterval = Math.max(1, Math.min(1_000, Math.floor(shortest / 2)));
    this.#setDate(Date.now());
  }

  #setDate(now: number): void {
    this.dateLine = `Date: ${new Date(now).toUTCString()}\r\n`;
  }

  // -- parsers: one serves all connections that are not in the middle of a request ------------------

  takeParser(): HttpParser {
    const spare = this.#spare;
    this.#spare = null;
    return spare ?? new HttpParser(this.options.limits);
  }

  giveParser(parser: HttpParser): void {
    parser.reset();
    this.#spare = parser;
  }

  // -- events ---------------------------------------------------------------------------------------

  override onOpened(conn: Conn<HttpConnection>): void {
    const connection = new HttpConnection(conn, this);
    conn.context = connection;
    this.#connections.add(connection);
    if (!this.#willLook) this.#lookLater(conn.loop);
  }

  /**
   * By a timer of the loop: it fires when everything has been handled that had come until it was due. After
   * a handler that blocked, what clients sent meanwhile waits in the kernel, and counts.
   */
  #lookLater(loop: EventLoop): void {
    this.#willLook = true;
    const asked = performance.now();
    loop.schedule(this.#checkInterval, () => {
      this.#willLook = false;
      const now = performance.now();
      for (const connection of this.#connections) connection.checkTime(asked, now);
      if (this.#connections.size > 0 && !this.#willLook) this.#lookLater(loop);
    });
  }

  override onClosed(conn: Conn<HttpConnection>, error?: Error): void {
    this.#connections.delete(conn.context);
    conn.context.onClosed(error);
  }

  override onEnd(conn: Conn<HttpConnection>): void {
    conn.context.onEnd();
  }

  override react(connection: HttpConnection | null): void {
    connection?.begin();
  }

  override signalClose(conn: Conn<HttpConnection>): Promise<void> | void {
    this.isStopping = true;
    return conn.context.onStop();
  }

  /** The date changes here and not for each answer: asking for the time costs as much as one. */
  override tick(): TickReply {
    const date = Date.now();
    this.#setDate(date);
    return 1_000 - (date % 1_000);
  }

  giveAway(connection: ExchangeConnection): void {
    this.#connections.delete(connection);
    connection.conn.setCodec(this.#codecToCome);
    connection.conn.setHandler(handlerToCome);
  }

  // -- answers --------------------------------------------------------------------------------------

  /** Calls the handler, and sends what it answers, now or later. */
  answer(exchange: Exchange): void {
    let answer: Response | Promise<Response>;
    try {
      answer = this.#handler.fetch(exchange.request, exchange);
    } catch (error) {
      this.failed(exchange, error);
      return;
    }
    if (isPromise(answer)) {
      whenSettled(
        answer,
        (response) => this.#respond(exchange, response),
        (error) => this.failed(exchange, error),
      );
    } else this.#respond(exchange, answer);
  }

  #respond(exchange: Exchange, response: Response): void {
    if (exchange.state !== AnswerState.Awaited) {
      // There is no client left to get it.
      discard(response);
      return;
    }
    if (response instanceof SwitchedProtocol) {
      this.#switch(exchange, response);
      return;
    }
    try {
      this.#writer.send(exchange, asResponse(response));
    } catch (error) {
      discard(response);
      this.failed(exchange, error);
    }
  }

  #switch(exchange: Exchange, response: SwitchedProtocol): void {
    const { conn } = exchange.connection;
    const failed = (error: unknown): void => {
      this.report('a handler failed when it took over a connection', error);
      conn.close();
    };
    try {
      watch(response.begin(exchange), failed);
    } catch (error) {
      if (exchange.state === AnswerState.Awaited) this.failed(exchange, error);
      // Nobody else would close it: it speaks no protocol now.
      else failed(error);
    }
  }

  failed(exchange: Exchange, error: unknown): void {
    if (exchange.hasFailed) {
      this.#failedAgain(exchange, error);
      return;
    }
    exchange.hasFailed = true;
    const { onError } = this.options;
    if (onError === undefined) {
      if (exchange.state === AnswerState.Awaited) this.report('a handler failed', error);
      this.#sendFailure(exchange);
      return;
    }
    try {
      const answer = onError(error, exchange.request);
      if (isPromise(answer)) {
        answer.then(
          (response) => this.#respondFailure(exchange, response),
          (thrown) => this.#failedAgain(exchange, thrown),
        );
      } else this.#respondFailure(exchange, answer);
    } catch (thrown) {
      this.#failedAgain(exchange, thrown);
    }
  }

  #failedAgain(exchange: Exchange, thrown: unknown): void {
    this.report('onError failed', thrown);
    this.#sendFailure(exchange);
  }

  #respondFailure(exchange: Exchange, response: Response): void {
    if (exchange.state !== AnswerState.Awaited) return discard(response);
    try {
      this.#writer.send(exchange, asResponse(response));
    } catch (thrown) {
      discard(response);
      this.#failedAgain(exchange, thrown);
    }
  }

  #sendFailure(exchange: Exchange): void {
    if (exchange.state !== AnswerState.Awaited) return;
    const status = this.isStopping ? 503 : 500;
    const text = `${STATUS_CODES[status]}\n`;
    this.#writer.send(exchange, new LightResponse(text, { status }) as unknown as Response);
  }

  /** To what is no request, or too much of one. Its connection is closed behind it. */
  writeRefusal(conn: Conn<HttpConnection>, status: number): void {
    const { head } = this;
    head.begin(status, '');
    const body = `${status} ${STATUS_CODES[status] ?? ''}\n`;
    const rest = `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    conn.writeNoCodec(`${head.text}${this.dateLine}Connection: close\r\n${rest}`);
  }

  /** Something failed that no client hears of. */
  report(message: string, error: unknown): void {
    // Loggers of pino take the fields first.
    if ('bindings' in this.#logger) this.#logger.error({ err: error }, message);
    else this.#logger.error(message, { err: error });
  }

  /** The end of the loop waits for it: the one of the server knows nothing of other threads. */
  waitUntil(promise: Promise<unknown>, exchange: Exchange): void {
    const loop = exchange.connection.conn.loop as EventLoop & Partial<LoopWithWork>;
    void this.#waitFor(promise, exchange.request, loop[workBegins]?.());
  }

  async #waitFor(promise: Promise<unknown>, request: Request, done?: () => void): Promise<void> {
    try {
      await promise;
    } catch (error) {
      await this.#workFailed(error, request);
    }
    done?.();
  }

  async #workFailed(error: unknown, request: Request): Promise<void> {
    const { onError } = this.options;
    if (onError === undefined) {
      this.report('a promise given to waitUntil rejected', error);
      return;
    }
    try {
      discard(await onError(error, request));
    } catch (thrown) {
      this.report('onError failed', thrown);
    }
  }
}

/** Tells the source of its body that nobody wants it. */
function discard(response: unknown): void {
  try {
    if (!LightResponse.isLight(response)) void cancel((response as Response).body);
    else if (response.plainBody === undefined) void cancel(response.ownStream ?? response.body);
  } catch {
    // It is no response, or one that cannot become a real one: there is no stream.
  }
}
