/**
 * Ready-made answers. A template is the bytes of a whole answer or of its head, with the date at a
 * known place; once a second the date is written into all of them.
 */
const CRLF = '\r\n';
const DATE_LENGTH = 'Sun, 06 Nov 1994 08:49:37 GMT'.length;
const DATE_PLACE = '-'.repeat(DATE_LENGTH);

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  505: 'HTTP Version Not Supported',
};

export interface TemplateText {
  readonly status: number;
  readonly contentType: string;
  /** Further header lines, without line ends. */
  readonly headers?: readonly string[];
  /** Without it the template ends before `Content-Length`, and the writer adds the rest. */
  readonly body?: string;
}

/** What the `Connection` header of an answer says. */
export const Persistence = {
  /** HTTP/1.1 and open: nothing has to be said. */
  Implied: 0,
  /** HTTP/1.0 and open. */
  KeepAlive: 1,
  Close: 2,
} as const;
export type Persistence = (typeof Persistence)[keyof typeof Persistence];

const CONNECTION_LINES = ['', `Connection: keep-alive${CRLF}`, `Connection: close${CRLF}`] as const;

/** One answer in all its forms: how the connection goes on, with and without the body. */
export class Template {
  /** By `Persistence`. */
  readonly withBody: readonly Buffer[];
  readonly withoutBody: readonly Buffer[];
  readonly #dateOffset: number;

  constructor(text: TemplateText) {
    const statusLine = `HTTP/1.1 ${text.status} ${STATUS_TEXT[text.status]}${CRLF}`;
    const start = `${statusLine}Server: gnet${CRLF}Date: `;
    this.#dateOffset = start.length;
    let head = `${start}${DATE_PLACE}${CRLF}Content-Type: ${text.contentType}${CRLF}`;
    for (const line of text.headers ?? []) head += line + CRLF;
    const body = text.body;
    // The head of an answer whose body is not known yet ends after `Connection`.
    const length = body === undefined ? '' : `Content-Length: ${body.length}${CRLF}${CRLF}`;
    this.withoutBody = CONNECTION_LINES.map((line) => Buffer.from(head + line + length));
    this.withBody = CONNECTION_LINES.map((line) =>
      Buffer.from(head + line + length + (body ?? '')),
    );
  }

  setDate(date: Uint8Array): void {
    for (const form of this.withBody) form.set(date, this.#dateOffset);
    for (const form of this.withoutBody) form.set(date, this.#dateOffset);
  }
}

/** All templates of one server, and the clock that keeps their dates right. */
export class Templates {
  readonly plaintext = new Template({
    status: 200,
    contentType: 'text/plain',
    body: 'Hello, World!',
  });
  readonly json = new Template({ status: 200, contentType: 'application/json' });
  readonly echo = new Template({ status: 200, contentType: 'application/octet-stream' });
  /** To `OPTIONS *`: what this server can do at all. */
  readonly options = new Template({
    status: 200,
    contentType: 'text/plain',
    headers: ['Allow: GET, HEAD, POST, OPTIONS'],
    body: '',
  });
  readonly notFound = Templates.#failure(404);
  readonly onlyGet = Templates.#failure(405, 'Allow: GET, HEAD');
  readonly onlyPost = Templates.#failure(405, 'Allow: POST');
  readonly #failures = new Map<number, Template>();
  readonly #all: Template[] = [];
  #second = 0;

  constructor() {
    for (const status of [400, 408, 413, 414, 417, 431, 501, 505]) {
      this.#failures.set(status, Templates.#failure(status));
    }
    this.#all.push(this.plaintext, this.json, this.echo, this.notFound);
    this.#all.push(this.options, this.onlyGet, this.onlyPost, ...this.#failures.values());
  }

  /** Writes the date of `now` (milliseconds since 1970) into every template, once per second. */
  refresh(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    const date = Buffer.from(new Date(second * 1_000).toUTCString(), 'latin1');
    for (const template of this.#all) template.setDate(date);
  }

  failure(status: number): Template {
    return this.#failures.get(status) ?? (this.#failures.get(400) as Template);
  }

  static #failure(status: number, ...headers: string[]): Template {
    const body = `${status} ${STATUS_TEXT[status]}\n`;
    return new Template({ status, contentType: 'text/plain', headers, body });
  }
}
