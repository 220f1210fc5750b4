import type { FrameSource } from '../codec/index.ts';
import type { Conn } from '../index.ts';
import { AnswerState, Exchange, type ExchangeConnection, type HttpServing } from './exchange.ts';
import { type HttpHead, Method } from './head.ts';
import { LightRequest } from './light-request.ts';
import { HttpEvent, type HttpParser } from './parser.ts';
import { type BodySource, RequestBody } from './request-body.ts';

/**
 *   Head --------> Answering --------> Draining --> Head
 *     a head came    the answer is out    the rest of the body came
 *
 * and from everywhere to Closing, or, where the program takes the connection over, to Elsewhere.
 */
export const Phase = {
  /** Between two requests, or in the middle of a head. */
  Head: 0,
  /** The handler is at work, or its answer is on its way out; the body may still be coming. */
  Answering: 1,
  /** The answer is out before the body was in: what comes of that is thrown away. */
  Draining: 2,
  /** Nothing more is parsed. */
  Closing: 3,
  /** It speaks another protocol now. */
  Elsewhere: 4,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** The most unread body bytes that the server discards to keep a connection. */
const DRAIN_MAX = 256 * 1024;
const NOTHING = new Uint8Array(0);

/** No clock is read for each request: what has begun gets its time from the next look. */
const justBegun = Number.POSITIVE_INFINITY;

/** One connection of an HTTP server: its requests, one after the other. */
export class HttpConnection implements BodySource, ExchangeConnection {
  readonly conn: Conn<HttpConnection>;
  readonly server: HttpServing;
  phase: Phase = Phase.Head;
  exchange: Exchange | null = null;
  /** The answer at work is the last of this connection. */
  isLast = false;
  /** What the limit for the present phase counts from, milliseconds; `justBegun` until the next look. */
  since = justBegun;
  /** The parser of a request that has not come completely; others share the server's. */
  #parser: HttpParser | null = null;
  #body: RequestBody | null = null;
  #drained = 0;
  /** Bytes behind the last request that have not been looked at: they wait for its answer, or their turn. */
  #ahead = 0;
  /** The handler is being called. */
  #isCalling = false;
  /** The client has ended its side. What came before is answered. */
  #isEnded = false;
  #isHeld = false;
  #scheme = '';
  /** Of a body that waits for the client to take it. */
  #endWaiter: (() => void) | null = null;
  #answered: (() => void) | null = null;

  constructor(conn: Conn<HttpConnection>, server: HttpServing) {
    this.conn = conn;
    this.server = server;
  }

  // -- bytes in -------------------------------------------------------------------------------------

  /** This, when the head of a request has come; null when more bytes are needed. */
  decode(source: FrameSource): HttpConnection | null {
    for (;;) {
      switch (this.phase) {
        case Phase.Head:
          return this.#decodeHead(source) ? this : null;
        case Phase.Answering:
        case Phase.Draining:
          if (this.#body !== null && !this.#body.isComplete) {
            if (!this.#decodeBody(source, this.#body)) return null;
          } else if (this.phase === Phase.Draining) this.#nextRequest();
          else {
            this.#ahead = source.bufferLength();
            if (this.#isEnded && this.#ahead === 0) this.isLast = true;
            this.bodyPressureChanged();
            return null;
          }
          break;
        default:
          source.resetBuffer();
          return null;
      }
    }
  }

  #decodeHead(source: FrameSource): boolean {
    if (source.bufferLength() > 0 && this.#parseHead(source)) {
      const body = this.#body;
      this.#ahead = body === null || body.isComplete ? source.bufferLength() : 0;
      return true;
    }
    this.#ahead = 0;
    // What is there is no whole request, and nothing more comes.
    if (this.#isEnded) this.close();
    return false;
  }

  #parseHead(source: FrameSource): boolean {
    const parser = this.#parser ?? this.server.takeParser();
    const wasBetween = parser.isBetweenRequests;
    const bytes = source.read();
    const end = bytes.length;
    const event = parser.next(bytes, 0, end);
    if (event === HttpEvent.Head) {
      this.#parser = parser;
      this.#beginBody(parser, bytes, end);
      source.shiftN(parser.position);
      return true;
    }
    source.shiftN(parser.position);
    if (event === HttpEvent.Failed) {
      this.#giveParser(parser);
      this.refuse(parser.status);
    } else {
      this.#parser = parser;
      if (wasBetween && !parser.isBetweenRequests) this.since = justBegun;
    }
    return false;
  }

  /** Sets `#body` for the request whose head has just come, with what is there of it. */
  #beginBody(parser: HttpParser, bytes: Buffer, end: number): void {
    const { head } = parser;
    const hasBody = head.chunked || head.contentLength > 0;
    if (!hasBody) {
      this.#body = null;
      parser.next(bytes, parser.position, end); // its end
      return;
    }
    const length = head.chunked ? -1 : head.contentLength;
    const body = new RequestBody(this, length, this.server.options.bodyHighWaterMark);
    this.#body = body;
    if (head.chunked || end - head.headEnd < length) return;
    parser.next(bytes, parser.position, end);
    body.lend(bytes, parser.dataStart, parser.dataEnd);
    parser.next(bytes, parser.position, end); // its end
  }

  /** Whether the body is complete, or given up. */
  #decodeBody(source: FrameSource, body: RequestBody): boolean {
    const parser = this.#parser as HttpParser;
    const bytes = source.read();
    const end = bytes.length;
    let position = 0;
    for (;;) {
      const event = parser.next(bytes, position, end);
      position = parser.position;
      if (event === HttpEvent.Data) this.#takeData(body, bytes, parser);
      else {
        source.shiftN(position);
        if (event === HttpEvent.More) break;
        if (event === HttpEvent.End) body.end(parser.trailers);
        else this.#bodyFailed(parser.status);
        return true;
      }
    }
    if (this.#isEnded) {
      // That was everything: the client had ended before it had its turn.
      body.fail(hasEnded());
      return true;
    }
    this.bodyPressureChanged();
    return false;
  }

  #takeData(body: RequestBody, bytes: Buffer, parser: HttpParser): void {
    if (this.exchange !== null) this.exchange.awaitsContinue = false;
    body.push(bytes, parser.dataStart, parser.dataEnd);
    if (this.phase !== Phase.Draining) return;
    this.#drained += parser.dataEnd - parser.dataStart;
    if (this.#drained > DRAIN_MAX) this.close();
  }

  #bodyFailed(status: number): void {
    const body = this.#body as RequestBody;
    body.fail(new TypeError(`The body of the request is malformed, or too long (${status})`));
    this.refuse(status);
  }

  #giveParser(parser: HttpParser): void {
    this.#parser = null;
    this.server.giveParser(parser);
  }

  // -- a request ------------------------------------------------------------------------------------

  /** The head of a request has come: has the handler answer it. */
  begin(): void {
    const parser = this.#parser as HttpParser;
    const { head } = parser;
    const body = this.#body;
    const exchange = this.#exchangeFor(head, body);
    if (body === null || body.isComplete) this.#giveParser(parser);
    if (exchange === null) return;
    this.phase = Phase.Answering;
    this.exchange = exchange;
    if (body !== null) this.since = justBegun;
    if (this.#isEnded) exchange.light.abort(hasEnded());
    this.#isCalling = true;
    this.server.answer(exchange);
    this.#isCalling = false;
    if (body === null) return;
    // Bytes in the receive memory must have been read by now.
    if (exchange.state === AnswerState.Over) body.drop();
    else body.keep();
  }

  /** Null when it is refused, which has been said then. */
  #exchangeFor(head: HttpHead, body: RequestBody | null): Exchange | null {
    const { method } = head;
    // What is behind a body shows when that has been taken apart.
    const isWhole = body === null || body.isComplete;
    const isEnd = this.#isEnded && isWhole && this.#ahead === 0;
    this.isLast = !head.keepAlive || this.server.isStopping || isEnd;
    const target = head.targetText();
    const name = head.methodText();
    if (method === Method.Connect || name === 'TRACE' || name === 'TRACK')
      return this.#refused(501);
    const host = head.hostText();
    if (this.#scheme === '') this.#scheme = this.conn.tls === undefined ? 'http' : 'https';
    // Who names no host means this one.
    const url = this.server.urls.of(this.#scheme, host === '' ? this.#ownHost : host, target);
    if (url === null) return this.#refused(400);
    const parts = { method: name, url, headersText: head.headersText(), body };
    const light = new LightRequest(parts);
    const awaitsContinue = head.expectsContinue && body !== null && !body.isComplete;
    return new Exchange(this, light, body, head.minorVersion, awaitsContinue);
  }

  #refused(status: number): null {
    this.refuse(status);
    return null;
  }

  get #ownHost(): string {
    const { localAddr } = this.conn;
    return /^(\[[\da-f:.]+\]|[\d.]+):\d+$/.test(localAddr) ? localAddr : 'localhost';
  }

  /** Answers what is no request, or too much of one, and closes. */
  refuse(status: number): void {
    const { exchange } = this;
    const hasBegun = exchange !== null && exchange.state !== AnswerState.Awaited;
    this.#endExchange(new DOMException(`The request was refused (${status})`, 'AbortError'));
    if (!hasBegun) this.server.writeRefusal(this.conn, status);
    this.close();
  }

  // -- the body's side ------------------------------------------------------------------------------

  bodyWanted(): void {
    if (this.exchange?.awaitsContinue !== true) return;
    this.exchange.sendContinue();
    this.since = justBegun;
  }

  /** Reads on, or does not: what waits is bounded. */
  bodyPressureChanged(): void {
    const isAnswering = this.phase === Phase.Answering;
    const body = this.#body;
    const isFull = body !== null && !body.isComplete && !body.isDropped && body.isFull;
    // Up to here what comes is read, if only to see that the client goes.
    const isAhead = this.#ahead > this.server.options.aheadMax;
    const holds = isAnswering && (isFull || isAhead);
    if (holds === this.#isHeld) return;
    this.#isHeld = holds;
    if (holds) this.conn.pauseRead();
    else {
      // Until now it was not the client who was slow.
      this.since = justBegun;
      this.conn.resumeRead();
    }
  }

  // -- the answer's side ----------------------------------------------------------------------------

  /** The answer of this exchange is out. */
  finish(exchange: Exchange): void {
    if (exchange.state === AnswerState.Over) return;
    exchange.state = AnswerState.Over;
    this.exchange = null;
    this.#answered?.();
    const body = this.#body;
    if (body !== null && !body.isComplete) {
      // A client that still waits to be told may send the body, or not.
      if (exchange.awaitsContinue) this.isLast = true;
      body.drop();
      this.#drained = 0;
      this.phase = Phase.Draining;
    }
    if (this.isLast) {
      this.close();
      return;
    }
    if (this.phase === Phase.Answering) this.#nextRequest();
    if (this.#isHeld) this.bodyPressureChanged();
    else if (this.#ahead > 0 && !this.#isCalling) this.#decodeAgain();
  }

  /** What waits is decoded soon, though nothing more has come. */
  #decodeAgain(): void {
    this.conn.pauseRead();
    this.conn.resumeRead();
  }

  #nextRequest(): void {
    this.phase = Phase.Head;
    this.#body = null;
    if (this.#parser !== null) this.#giveParser(this.#parser);
    this.since = justBegun;
  }

  /** The answer broke off: the client must not take what it has for everything. */
  breakOff(exchange: Exchange, isFramed: boolean): void {
    if (exchange.state === AnswerState.Over) return;
    this.#endExchange(undefined);
    if (isFramed) this.close();
    else {
      this.phase = Phase.Closing;
      this.conn.reset();
    }
  }

  /** Waits until the kernel has what was written, or the exchange is over. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#endWaiter = resolve;
      // When it is closed, the end of the exchange follows.
      this.conn.flushWrite(NOTHING, true).then(resolve, () => {});
    });
  }

  spoke(): void {
    if (this.conn.readEnded) this.since = justBegun;
  }

  // -- the end --------------------------------------------------------------------------------------

  /** Sends what is pending, and nothing more. */
  close(): void {
    if (this.phase >= Phase.Closing) return;
    this.phase = Phase.Closing;
    this.conn.close();
  }

  /** From now on another protocol owns the connection. */
  leave(exchange: Exchange): void {
    exchange.state = AnswerState.Over;
    this.exchange = null;
    this.phase = Phase.Elsewhere;
    this.#answered?.();
    this.server.giveAway(this);
    if (this.#isHeld) this.conn.resumeRead();
  }

  #endExchange(reason: unknown): void {
    const { exchange } = this;
    this.exchange = null;
    if (this.#body !== null) this.#body.fail(reason ?? new TypeError('The connection is gone'));
    if (exchange !== null) {
      exchange.state = AnswerState.Over;
      if (reason !== undefined) exchange.light.abort(reason);
      exchange.onBrokenOff?.();
    }
    this.#endWaiter?.();
    this.#endWaiter = null;
    this.#answered?.();
  }

  /** The client has ended its side: it sends nothing more, and may still want the answer. */
  onEnd(): void {
    this.#isEnded = true;
    if (this.phase !== Phase.Answering) {
      // Requests that came before may wait for their turn.
      if (this.phase === Phase.Head && this.#ahead > 0) this.#decodeAgain();
      else this.close();
      return;
    }
    if (this.#ahead === 0) this.isLast = true;
    this.since = justBegun;
    const reason = hasEnded();
    this.#body?.fail(reason);
    this.exchange?.light.abort(reason);
  }

  onClosed(error: Error | undefined): void {
    this.phase = Phase.Closing;
    const reason = new DOMException('The client has gone', { name: 'AbortError', cause: error });
    this.#endExchange(reason);
  }

  /** The server stops. The promise is open for as long as there is an answer to be sent. */
  onStop(): Promise<void> | undefined {
    this.isLast = true;
    if (this.phase !== Phase.Answering) return undefined;
    // No more of it is delivered while the answer is waited for.
    const body = this.#body;
    if (body !== null && !body.isComplete) {
      body.fail(new DOMException('The server is stopping', 'AbortError'));
    }
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  get #awaitsContinue(): boolean {
    return this.exchange?.awaitsContinue ?? false;
  }

  /** The program has begun an answer, and has given nothing more of it. */
  #isSilent(exchange: Exchange): boolean {
    return exchange.state === AnswerState.Begun && this.conn.outboundBuffered() === 0;
  }

  checkTime(heard: number, now: number): void {
    if (this.since === justBegun) {
      this.since = now;
      return;
    }
    const { headTimeout, bodyTimeout, keepAliveTimeout } = this.server.options;
    const age = heard - this.since;
    if (this.phase === Phase.Head) {
      const parser = this.#parser;
      if (parser === null || parser.isBetweenRequests) {
        if (age >= keepAliveTimeout) this.close();
      } else if (age >= headTimeout) this.refuse(408);
      return;
    }
    const { exchange } = this;
    if (exchange !== null && this.conn.readEnded) {
      // The client may have gone, which only what is sent to it would show.
      if (age >= keepAliveTimeout && this.#isSilent(exchange)) {
        this.breakOff(exchange, exchange.minorVersion > 0);
        return;
      }
    }
    const body = this.#body;
    if (body === null || body.isComplete || age < bodyTimeout) return;
    if (this.phase === Phase.Draining) this.close();
    else if (this.phase === Phase.Answering && !this.#isHeld && !this.#awaitsContinue) {
      body.fail(new DOMException('The body did not come in time', 'TimeoutError'));
      this.refuse(408);
    }
  }
}

function hasEnded(): DOMException {
  return new DOMException('The client has ended its side', 'AbortError');
}
