import { answerForReal, RealHeaders, RealResponse, standIn } from './web-stand-in.ts';

/** Bodies that are sent as they are, without a stream. */
export type PlainBody = string | Uint8Array | null;

type BodyInit = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** What `Response` is given as headers. */
type HeaderInit = NonNullable<ResponseInit['headers']>;

/** Statuses whose answers have no body. */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 205 || status === 304 || (status >= 100 && status < 200);
}

function isStream(body: unknown): body is ReadableStream<Uint8Array> {
  return body instanceof ReadableStream;
}

/**
 * Looks like a Response, and makes the real one when it is asked for what only that knows. While
 * nobody asks, a server sends body and headers from where they are.
 */
export class LightResponse {
  #body: unknown;
  #init: ResponseInit | undefined;
  #headers: Headers | null = null;
  #real: Response | null = null;

  /** @throws RangeError or TypeError for a status that a response cannot have. */
  constructor(body?: BodyInit | AsyncIterable<Uint8Array> | null, init?: ResponseInit) {
    this.#body = body ?? null;
    this.#init = init === undefined || init === null ? undefined : plainInit(init);
    const status = this.#init?.status;
    if (status === undefined) return;
    if (!(status >= 200 && status <= 599) || !Number.isInteger(status)) {
      throw new RangeError(`Cannot make a response with status ${status}: it must be 200 to 599`);
    }
    if (this.#body !== null && isBodyless(status)) {
      throw new TypeError(`Cannot make a response with status ${status} and a body`);
    }
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Cannot make JSON of a value that has none');
    const headers = new RealHeaders(init?.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new LightResponse(text, { ...init, headers }) as unknown as Response;
  }

  get status(): number {
    return this.#init?.status ?? 200;
  }

  get statusText(): string {
    return this.#init?.statusText ?? '';
  }

  get ok(): boolean {
    const { status } = this;
    return status >= 200 && status < 300;
  }

  get headers(): Headers {
    if (this.#real !== null) return this.#real.headers;
    if (this.#headers !== null) return this.#headers;
    const headers = new RealHeaders(this.#init?.headers);
    if (typeof this.#body === 'string' && !headers.has('content-type')) {
      headers.set('content-type', 'text/plain;charset=UTF-8');
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
    if (this.#real !== null) return this.#real;
    const init = this.#init ?? {};
    const headers = this.#headers ?? init.headers;
    const real = new RealResponse(this.#body as BodyInit | null, {
      ...init,
      ...(headers !== undefined && { headers }),
    });
    this.#real = real;
    return real;
  }

  // -- for the server -------------------------------------------------------------------------------

  /** The body where it needs no stream, undefined where it does. */
  get plainBody(): PlainBody | undefined {
    if (this.#real !== null) return undefined;
    const body = this.#body;
    if (body === null || typeof body === 'string') return body;
    if (body instanceof Uint8Array) return body;
    if (body instanceof ArrayBuffer) return new Uint8Array(body);
    return undefined;
  }

  /** The stream that it was made from, until something needs more. */
  get ownStream(): ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | undefined {
    if (this.#real !== null) return undefined;
    const body = this.#body;
    if (isStream(body)) return body;
    if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
      return body as AsyncIterable<Uint8Array>;
    }
    return undefined;
  }

  /** The given headers, until something uses `headers`. */
  get givenHeaders(): HeaderInit | undefined {
    return this.#headers ?? this.#init?.headers;
  }
}

/** A response may be what another one is made with. */
function plainInit(init: ResponseInit): ResponseInit {
  if (!LightResponse.isLight(init)) return init;
  const { status, statusText, headers } = init;
  return { status, statusText, headers };
}

standIn(LightResponse, RealResponse, (light) => light.real);
// `redirect` and `error`, which few answers are made by.
Object.setPrototypeOf(LightResponse, RealResponse);
answerForReal(LightResponse, RealResponse);
