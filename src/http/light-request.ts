import { LightHeaders } from './light-headers.ts';
import type { RequestBody } from './request-body.ts';
import { answerForReal, RealRequest, standIn } from './web-stand-in.ts';

const BYTE_ORDER_MARK = 0xfeff;
const EMPTY = Buffer.alloc(0);

/** What a request is made of. */
export interface RequestParts {
  readonly method: string;
  readonly url: string;
  /** Whole header lines with their line ends. */
  readonly headersText: string;
  readonly body: RequestBody | null;
}

function unusable(): Promise<never> {
  return Promise.reject(new TypeError('Body is unusable: it has been read already'));
}

function isBodyless(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Looks like a Request, and makes the real one when it is asked for what only that knows. */
export class LightRequest {
  readonly method: string;
  readonly url: string;
  readonly #headersText: string;
  readonly #body: RequestBody | null;
  #headers: LightHeaders | null = null;
  #controller: AbortController | null = null;
  #reason: unknown = undefined;
  #isAborted = false;
  #real: Request | null = null;
  /** What the server knows of it; opaque to everybody else. */
  origin: object | null = null;

  constructor(parts: RequestParts) {
    this.method = parts.method;
    this.url = parts.url;
    this.#headersText = parts.headersText;
    this.#body = parts.body;
  }

  get headers(): Headers {
    if (this.#real !== null) return this.#real.headers;
    this.#headers ??= new LightHeaders(this.#headersText);
    return this.#headers as unknown as Headers;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The client has gone. */
  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  get real(): Request {
    if (this.#real !== null) return this.#real;
    const { method, signal } = this;
    const headers = (this.headers as unknown as LightHeaders).real;
    const body = isBodyless(method) ? null : this.#body;
    const init: RequestInit = { method, headers, signal };
    if (body === null) {
      this.#real = new RealRequest(this.url, init);
    } else if (body.isUsed) {
      this.#real = usedRequest(this.url, init);
    } else {
      Object.assign(init, { body: body.stream(), duplex: 'half' });
      this.#real = new RealRequest(this.url, init);
    }
    return this.#real;
  }

  /** A real one, which is known to be of a client, as its own copies are. */
  clone(): Request {
    return asDerived(this.real.clone());
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body === null ? null : this.real.body;
  }

  get bodyUsed(): boolean {
    if (this.#real !== null) return this.#real.bodyUsed;
    return this.#body?.isUsed ?? false;
  }

  text(): Promise<string> {
    if (this.#real !== null) return this.#real.text();
    const body = this.#body;
    if (body === null) return Promise.resolve('');
    if (body.isUsed) return unusable();
    const text = body.textNow();
    if (text !== null) return Promise.resolve(withoutMark(text));
    return body.collect().then((bytes) => withoutMark(bytes.toString('utf8', 0, bytes.length)));
  }

  json(): Promise<unknown> {
    if (this.#real !== null) return this.#real.json();
    return this.text().then(parseJson);
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#real !== null) {
      return this.#real.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    }
    const body = this.#body;
    if (body === null) return Promise.resolve(new Uint8Array(0));
    if (body.isUsed) return unusable();
    const bytes = body.bytesNow();
    if (bytes !== null) return Promise.resolve(bytes);
    return body.collect().then(ownBytes);
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    if (this.#real !== null) return this.#real.arrayBuffer();
    return this.bytes().then((bytes) => bytes.buffer);
  }
}

/** Its body has been read through the light object: it cannot be read again through this one. */
function usedRequest(url: string, init: RequestInit): Request {
  const request = new RealRequest(url, { ...init, body: 'read' });
  void request.text();
  return request;
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

function parseJson(text: string): unknown {
  return JSON.parse(text);
}

/** As bytes whose memory holds nothing else. */
function ownBytes(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes.length === 0 ? EMPTY : bytes;
  if (byteOffset === 0 && length === buffer.byteLength && buffer instanceof ArrayBuffer) {
    return new Uint8Array(buffer);
  }
  const own = new Uint8Array(length);
  own.set(bytes);
  return own;
}

standIn(LightRequest, RealRequest, (light) => light.real);

type RequestInput = ConstructorParameters<typeof RealRequest>[0];

/** Requests that were made of a client's, and so have the headers of its connection. */
const derived = new WeakSet<object>();

/** Whether it is the request of a client, or was made of one. */
export function isOfClient(value: unknown): boolean {
  return (
    value instanceof LightRequest ||
    (typeof value === 'object' && value !== null && derived.has(value))
  );
}

/** What the runtime takes for a request. */
export function realOf<Value>(value: Value): Value {
  return value instanceof LightRequest ? (value.real as Value) : value;
}

/** The runtime's Request, which takes a light one for another, too. */
export class ClientRequest extends RealRequest {
  constructor(input: RequestInput, init?: RequestInit) {
    super(realOf(input), realOf(init));
    if (isOfClient(input) || isOfClient(init)) derived.add(this);
  }

  override clone(): Request {
    const copy = super.clone();
    return derived.has(this) ? asDerived(copy) : copy;
  }
}

/** The runtime makes copies of its own class, whose copies nobody would know. */
function asDerived(copy: Request): Request {
  derived.add(copy);
  return Object.setPrototypeOf(copy, ClientRequest.prototype) as Request;
}

Object.defineProperty(ClientRequest, 'name', { value: 'Request', configurable: true });
answerForReal(ClientRequest, RealRequest);
