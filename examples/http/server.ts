import { Action, type Conn, EventServer, type Reply, type TickReply } from 'gnet';
import { ReplyBuffer } from '../lib/reply-buffer.ts';
import { equalsExactly, QUESTION_MARK } from './characters.ts';
import { HttpCodec } from './codec.ts';
import { type HttpRequest, Method, RequestKind } from './request.ts';
import { Persistence, type Template, Templates } from './response.ts';

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

const Route = { None: 0, Plaintext: 1, Json: 2, Echo: 3 } as const;
type Route = (typeof Route)[keyof typeof Route];

const PATHS: readonly { readonly path: Buffer; readonly route: Route }[] = [
  { path: Buffer.from('/plaintext'), route: Route.Plaintext },
  { path: Buffer.from('/json'), route: Route.Json },
  { path: Buffer.from('/echo'), route: Route.Echo },
];

/** Answers all requests of a frame at once. `codec` must be the codec of the server it serves. */
export class HttpServer extends EventServer {
  readonly codec = new HttpCodec();
  readonly #templates = new Templates();
  readonly #reply = new ReplyBuffer();

  constructor() {
    super();
    this.#templates.refresh(Date.now());
  }

  /** The date changes here and not in `react`: asking for the time costs as much as an answer. */
  override tick(): TickReply {
    const now = Date.now();
    this.#templates.refresh(now);
    return 1_000 - (now % 1_000);
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
    return keepAlive ? reply : [reply, Action.Close];
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
    const route = routeOf(request);
    if (route === Route.None) return this.#send(templates.notFound, request);
    if (route === Route.Echo) {
      if (request.method !== Method.Post) return this.#send(templates.onlyPost, request);
      return this.#sendBody(templates.echo, request, request.body());
    }
    if (request.method !== Method.Get && request.method !== Method.Head) {
      return this.#send(templates.onlyGet, request);
    }
    if (route === Route.Plaintext) return this.#send(templates.plaintext, request);
    // Made for every request, as the definition of this test wants it.
    const body = JSON.stringify({ message: 'Hello, World!' });
    this.#sendText(templates.json, request, body);
  }

  #send(template: Template, request: HttpRequest): void {
    const forms = request.method === Method.Head ? template.withoutBody : template.withBody;
    this.#reply.append(forms[persistenceOf(request)] as Buffer);
  }

  /** `body` must be ASCII. */
  #sendText(template: Template, request: HttpRequest, body: string): void {
    const reply = this.#reply;
    reply.append(template.withoutBody[persistenceOf(request)] as Buffer);
    const rest = `Content-Length: ${body.length}\r\n\r\n`;
    reply.appendText(request.method === Method.Head ? rest : rest + body);
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
  return request.minorVersion === 0 ? Persistence.KeepAlive : Persistence.Implied;
}

function routeOf(request: HttpRequest): Route {
  const { bytes, targetEnd } = request;
  const start = request.pathStart();
  for (let index = 0; index < PATHS.length; index++) {
    const entry = PATHS[index] as (typeof PATHS)[number];
    const end = start + entry.path.length;
    if (end > targetEnd || !equalsExactly(bytes, start, end, entry.path)) continue;
    if (end === targetEnd || bytes[end] === QUESTION_MARK) return entry.route;
  }
  return Route.None;
}
