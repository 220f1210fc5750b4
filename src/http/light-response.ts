import { headersToSend, type SentOn } from './forwarding.ts';
import { isHeaderValue, type ResponseHead } from './response-head.ts';
import { answerForReal, RealHeaders, RealResponse, standIn } from './web-stand-in.ts';

/** Bodies that are sent as they are, without a stream. */
export type PlainBody = string | Uint8Array | null;

type BodyInit = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** What `Response` is given as headers. */
type HeaderInit = NonNullable<ResponseInit['headers']>;

const JSON_TYPE = 'application/json';
const NO_HEADERS: readonly string[] = [];

/** Statuses whose answers have no body. */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 205 || status === 304 || (status >= 100 && status < 200);
}

/** What a body may be that this package keeps as it is: nobody can change it, or it is read once. */
type KeptBody =
  | string
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Uint8Array<ArrayBuffer>
  | null;

function isStream(body: unknown): body is ReadableStream<Uint8Array> {
  return body instanceof ReadableStream;
}

/**
 * The body as it is now: bytes are copied, since the program may use their memory again while the answer is
 * on its way. Undefined for what only the runtime's own Response knows how to take.
 */
function keptBody(body: unknown): KeptBody | undefined {
  if (typeof body === 'string') return body;
  if (body === undefined || body === null) return null;
  if (body instanceof Uint8Array && body.buffer instanceof ArrayBuffer) return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(new Uint8Array(body));
  if (body instanceof Blob) return body;
  if (isStream(body)) return body.locked ? undefined : body;
  if (typeof body === 'object' && Symbol.asyncIterator in body) {
    return body as AsyncIterable<Uint8Array>;
  }
  return undefined;
}

/** The headers as they are now: names and values in turn. @throws TypeError for what is no list of them. */
function keptHeaders(headers: HeaderInit): string[] {
  if (typeof headers !== 'object') throw new TypeError('Cannot make headers of what is no object');
  const kept: string[] = [];
  if (Symbol.iterator in headers) {
    for (const pair of headers as Iterable<Iterable<string>>) {
      const [name, value, more] = pair;
      if (value === undefined || more !== undefined) {
        throw new TypeError('Cannot make a header of what is no name and value');
      }
      kept.push(String(name), String(value));
    }
    return kept;
  }
  const record = headers as Record<string, string>;
  for (const name in record) {
    if (Object.hasOwn(record, name)) kept.push(name, String(record[name]));
  }
  return kept;
}

function headersOf(kept: readonly string[]): Headers {
  const headers = new RealHeaders();
  for (let index = 0; index < kept.length; index += 2) {
    headers.append(kept[index] as string, kept[index + 1] as string);
  }
  return headers;
}

/** A response of a `fetch` may be what another one is made with. */
function headersOfInit(init: ResponseInit, headers: HeaderInit): HeaderInit {
  if (LightResponse.isLight(init)) return headers;
  return isFetched(init) ? [...headersToSend(init)] : headers;
}

function isFetched(init: object): init is SentOn {
  const { url, headers } = init as { url?: unknown; headers?: object };
  if (typeof url !== 'string' || url === '') return false;
  return 'body' in init && headers !== undefined && Symbol.iterator in headers;
}

/** @throws RangeError for a status that a response cannot have. */
function statusOf(given: unknown): number {
  const status = Math.trunc(Number(given));
  if (status >= 200 && status <= 599) return status;
  throw new RangeError(`Cannot make a response with status ${given}: it must be 200 to 599`);
}

/**
 * Looks like a Response, and makes the real one when it is asked for what only that knows. While
 * nobody asks, a server sends what this was given, which is kept as it was then.
 */
export class LightResponse {
  #body: KeptBody;
  readonly #status: number = 200;
  readonly #statusText: string = '';
  /** Names and values in turn; null without any. */
  readonly #given: readonly string[] | null = null;
  /** Once the program has asked for them, what is sent: it may have changed them. */
  #headers: Headers | null = null;
  #real: Response | null = null;

  /** @throws RangeError or TypeError for what a response cannot have. */
  constructor(body?: BodyInit | AsyncIterable<Uint8Array> | null, init?: ResponseInit) {
    const kept = keptBody(body);
    this.#body = kept ?? null;
    if (init !== undefined && init !== null) {
      const { status, statusText, headers } = init;
      if (status !== undefined) this.#status = statusOf(status);
      if (statusText !== undefined) this.#statusText = checkStatusText(String(statusText));
      if (headers !== undefined) this.#given = keptHeaders(headersOfInit(init, headers));
      if (body !== undefined && body !== null && isBodyless(this.#status)) {
        throw new TypeError(`Cannot make a response with status ${this.#status} and a body`);
      }
    }
    if (kept === undefined) this.#real = this.#makeReal(body as BodyInit);
  }

  /** Without a copy of the bytes: for those whose memory nobody else has. */
  static ofOwnBytes(bytes: Uint8Array<ArrayBuffer>, init: ResponseInit): Response {
    const light = new LightResponse(null, init);
    light.#body = bytes;
    return light as unknown as Response;
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Cannot make JSON of a value that has none');
    const { status, statusText, headers: given } = init ?? {};
    const headers = given === undefined ? { 'content-type': JSON_TYPE } : new RealHeaders(given);
    if (headers instanceof RealHeaders && !headers.has('content-type')) {
      headers.set('content-type', JSON_TYPE);
    }
    const own = { status, statusText, headers } as ResponseInit;
    return new LightResponse(text, own) as unknown as Response;
  }

  get status(): number {
    return this.#status;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get ok(): boolean {
    const status = this.#status;
    return status >= 200 && status < 300;
  }

  get headers(): Headers {
    if (this.#headers !== null) return this.#headers;
    if (this.#real !== null) return this.#real.headers;
    const headers = headersOf(this.#given ?? []);
    if (!headers.has('content-type')) {
      const body = this.#body;
      if (typeof body === 'string') headers.set('content-type', 'text/plain;charset=UTF-8');
      else if (body instanceof Blob && body.type !== '') headers.set('content-type', body.type);
    }
    this.#headers = headers;
    return headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#real !== null) return this.#real.body;
    return this.#body === null ? null : this.real.body;
  }

  get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? false;
  }

  /** Whether it is one of these, and not the runtime's own. */
  static isLight(value: unknown): value is LightResponse {
    return typeof value === 'object' && value !== null && #body in value;
  }

  get real(): Response {
    this.#real ??= this.#makeReal(this.#body as BodyInit | null);
    const headers = this.#headers;
    if (headers !== null) copyHeaders(headers, this.#real.headers);
    return this.#real;
  }

  #makeReal(body: BodyInit | null): Response {
    return new RealResponse(body, {
      status: this.#status,
      statusText: this.#statusText,
      ...(this.#given !== null && { headers: headersOf(this.#given) }),
    });
  }

  // -- for the server -------------------------------------------------------------------------------

  /** The body where it needs no stream, undefined where it does. */
  get plainBody(): PlainBody | undefined {
    if (this.#real !== null) return undefined;
    const body = this.#body;
    if (body === null || typeof body === 'string' || body instanceof Uint8Array) return body;
    return undefined;
  }

  /** The stream that it was made from, until something needs more. */
  get ownStream(): ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | undefined {
    if (this.#real !== null) return undefined;
    const body = this.#body;
    if (typeof body !== 'object' || body === null) return undefined;
    return isStream(body) || Symbol.asyncIterator in body ? body : undefined;
  }

  /** Adds the given headers, or what the program has made of them, to a head. */
  addHeadersTo(head: ResponseHead): void {
    if (this.#headers !== null) head.addAll(this.#headers);
    else if (this.#given !== null) head.addPairs(this.#given);
  }

  /** The headers it was given, names and values in turn; null when the program may have changed them. */
  get untouchedHeaders(): readonly string[] | null {
    return this.#headers === null ? (this.#given ?? NO_HEADERS) : null;
  }

  /** Nobody has asked for its headers: those that come by themselves do so when it is sent. */
  get hasUntouchedHeaders(): boolean {
    return this.#headers === null;
  }
}

function checkStatusText(text: string): string {
  if (isHeaderValue(text)) return text;
  throw new TypeError(`Cannot make a response with the status text ${JSON.stringify(text)}`);
}

function copyHeaders(from: Headers, to: Headers): void {
  for (const name of [...to.keys()]) to.delete(name);
  for (const [name, value] of from) to.append(name, value);
}

standIn(LightResponse, RealResponse, (light) => light.real);
// `redirect` and `error`, which few answers are made by.
Object.setPrototypeOf(LightResponse, RealResponse);
answerForReal(LightResponse, RealResponse);
