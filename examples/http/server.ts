import { Action, type Conn, EventServer, type Reply, type TickReply } from 'gnet';
import { ReplyBuffer } from '../lib/reply-buffer.ts';
import { type HttpHead, type HttpLimits, Method } from 'gnet/http';
import { HttpCodec } from './codec.ts';
import { type HttpRequest, Progress, RequestKind } from './request.ts';
import { Persistence, type Template, Templates } from './response.ts';

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

const Route = { None: 0, Plaintext: 1, Json: 2, Echo: 3, Server: 4 } as const;
type Route = (typeof Route)[keyof typeof Route];

const PATHS: readonly { readonly path: Buffer; readonly route: Route }[] = [
  { path: Buffer.from('/plaintext'), route: Route.Plaintext },
  { path: Buffer.from('/json'), route: Route.Json },
  { path: Buffer.from('/echo'), route: Route.Echo },
];

/** Times are in milliseconds, from 1. */
export interface HttpServerOptions {
  readonly limits?: Partial<HttpLimits>;
  /** From the first byte of a request to the end of its head; 408 then. 20,000 by default. */
  readonly headTimeout?: number;
  /** From the end of the head to that of the body; 408 then. 60,000 by default. */
  readonly bodyTimeout?: number;
}

/** Answers all requests of a frame at once. `codec` must be the codec of the server it serves. */
export class HttpServer extends EventServer {
  readonly codec: HttpCodec;
  readonly #headTimeout: number;
  readonly #bodyTimeout: number;
  /** At most this long after a limit it is noticed. */
  readonly #checkInterval: number;
  readonly #templates = new Templates();
  readonly #reply = new ReplyBuffer();

  constructor(options: HttpServerOptions = {}) {
    super();
    this.codec = new HttpCodec(options.limits);
    this.#headTimeout = options.headTimeout ?? 20_000;
    this.#bodyTimeout = options.bodyTimeout ?? 60_000;
    const shortest = Math.min(this.#headTimeout, this.#bodyTimeout);
    if (!(shortest >= 1)) throw new RangeError(`a time limit is ${shortest}: give 1 ms or more`);
    this.#checkInterval = Math.max(1, Math.min(1_000, Math.floor(shortest / 2)));
    this.#templates.refresh(Date.now());
  }

  /** The date changes here and not in `react`: asking for the time costs as much as an answer. */
  override tick(): TickReply {
    const now = Date.now();
    this.#templates.refresh(now);
    this.#endOverdue();
    return Math.min(this.#checkInterval, 1_000 - (now % 1_000));
  }

  override onClosed(conn: Conn): void {
    this.codec.unfinished.delete(conn);
  }

  /** What waited for the client has gone out: its next requests may come. */
  override onDrain(conn: Conn): void {
    conn.resumeRead();
  }

  /** Ends what a client has begun and did not finish in time, however steadily its bytes come. */
  #endOverdue(): void {
    const { codec } = this;
    if (codec.unfinished.size === 0) return;
    // Another clock than that of the dates, which somebody may set.
    const now = performance.now();
    for (const source of codec.unfinished) {
      const request = codec.unfinishedOf(source);
      if (request === null) continue;
      if (request.receivingSince === 0) request.receivingSince = now;
      const hasHead = request.progress === Progress.Body;
      const limit = hasHead ? this.#bodyTimeout : this.#headTimeout;
      if (now - request.receivingSince < limit) continue;
      codec.endStream(source);
      // What a codec is given is the connection itself.
      const conn = source as Conn;
      conn.asyncWrite(this.#templates.failure(408).withBody[Persistence.Close] as Buffer);
      conn.close();
    }
  }

  override react(frame: Buffer | null, conn: Conn): Reply {
    const batch = this.codec.batch;
    if (frame === null) return;
    if (!batch.isFresh) throw new Error("Cannot answer: the frame is not of this handler's codec");
    batch.isFresh = false;
    this.#reply.begin(conn);
    let keepAlive = true;
    for (let index = 0; index < batch.count; index++) {
      const request = batch.at(index);
      if (request.kind === RequestKind.Complete) this.#answer(request);
      else this.#answerUnfinished(request);
      keepAlive = request.keepAlive;
    }
    const reply = this.#reply.end();
    if (!keepAlive) return [reply, Action.Close];
    if (this.#reply.isAhead || conn.outboundBuffered() > 0) return this.#sendAhead(conn, reply);
    return reply;
  }

  /**
   * The client does not read as fast as it asks: no more is taken from it above the high water
   * mark, whatever the server's `overflow` says.
   */
  #sendAhead(conn: Conn, reply: Buffer | null): null {
    const took = reply === null || conn.asyncWrite(reply);
    if (!took || this.#reply.isAhead) conn.pauseRead();
    return null;
  }

  #answerUnfinished(request: HttpRequest): void {
    if (request.kind === RequestKind.WantsContinue) this.#reply.append(CONTINUE);
    else {
      const template = this.#templates.failure(request.status);
      this.#reply.append(template.withBody[Persistence.Close] as Buffer);
    }
  }

  #answer(request: HttpRequest): void {
    const templates = this.#templates;
    const { method } = request.head;
    const route = routeOf(request.head);
    if (method === Method.Connect) return this.#send(templates.failure(501), request);
    if (route === Route.None) return this.#send(templates.notFound, request);
    if (route === Route.Server) return this.#send(templates.options, request);
    if (route === Route.Echo) {
      if (method !== Method.Post) return this.#send(templates.onlyPost, request);
      return this.#sendBody(templates.echo, request, request.body());
    }
    if (method !== Method.Get && method !== Method.Head) {
      return this.#send(templates.onlyGet, request);
    }
    if (route === Route.Plaintext) return this.#send(templates.plaintext, request);
    // Made for every request, as the definition of this test wants it.
    const body = JSON.stringify({ message: 'Hello, World!' });
    this.#sendText(templates.json, request, body);
  }

  #send(template: Template, request: HttpRequest): void {
    const forms = request.head.method === Method.Head ? template.withoutBody : template.withBody;
    this.#reply.append(forms[persistenceOf(request)] as Buffer);
  }

  /** `body` must be ASCII. */
  #sendText(template: Template, request: HttpRequest, body: string): void {
    const reply = this.#reply;
    reply.append(template.withoutBody[persistenceOf(request)] as Buffer);
    const rest = `Content-Length: ${body.length}\r\n\r\n`;
    reply.appendText(request.head.method === Method.Head ? rest : rest + body);
  }

  #sendBody(template: Template, request: HttpRequest, body: Buffer): void {
    const reply = this.#reply;
    reply.append(template.withoutBody[persistenceOf(request)] as Buffer);
    reply.appendText(`Content-Length: ${body.length}\r\n\r\n`);
    reply.append(body);
  }
}

function persistenceOf(request: HttpRequest): Persistence {
  if (!request.keepAlive) return Persistence.Close;
  return request.head.minorVersion === 0 ? Persistence.KeepAlive : Persistence.Implied;
}

function routeOf(head: HttpHead): Route {
  const { bytes, pathStart, targetEnd } = head;
  for (let index = 0; index < PATHS.length; index++) {
    const entry = PATHS[index] as (typeof PATHS)[number];
    const end = pathStart + entry.path.length;
    if (end > targetEnd || !isAt(bytes, pathStart, entry.path)) continue;
    if (end === targetEnd || bytes[end] === QUESTION_MARK) return entry.route;
  }
  return isRoot(head) ? rootRoute(head) : Route.None;
}

function isAt(bytes: Buffer, start: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}

/** The path is a slash, or nothing, as in `http://host?query`. */
function isRoot(head: HttpHead): boolean {
  const { bytes, pathStart } = head;
  const length = head.pathEnd() - pathStart;
  return length === 0 || (length === 1 && bytes[pathStart] === SLASH);
}

/** To OPTIONS a path of nothing stands for the server itself, as an asterisk does. */
function rootRoute(head: HttpHead): Route {
  const isServer = head.method === Method.Options && head.pathEnd() === head.pathStart;
  return isServer ? Route.Server : Route.Plaintext;
}
