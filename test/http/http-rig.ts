/** Servers of gnet/http, and raw clients that say exactly what they are told. */
import assert from 'node:assert/strict';
import type { Server } from 'gnet';
import { type FetchInfo, type HttpOptions, serveHttp } from 'gnet/http';
import { RawClient } from 'gnet/testing';
import type { TestScope } from '../support/rig.ts';

export type Fetch = (request: Request, info: FetchInfo) => Response | Promise<Response>;

export interface HttpRig {
  readonly server: Server;
  /** `http://127.0.0.1:50000` */
  readonly url: string;
  /** What the server wrote to its log. */
  readonly errors: unknown[];
}

const ignore = (): void => {};

export async function startHttp(
  t: TestScope,
  fetch: Fetch,
  options: HttpOptions = {},
  address = 'tcp://127.0.0.1:0',
): Promise<HttpRig> {
  const errors: unknown[] = [];
  const error = (_message: string, fields?: object): void => {
    errors.push((fields as { err?: unknown } | undefined)?.err);
  };
  const logger = { debug: ignore, info: ignore, warn: ignore, error };
  const driver = process.env['GNET_TEST_DRIVER'] as HttpOptions['driver'];
  const server = await serveHttp({ fetch }, address, {
    logger,
    closeTimeout: 500,
    ...(driver !== undefined && { driver }),
    ...options,
  });
  t.after(() => server.close());
  return { server, url: `http://${server.addr}`, errors };
}

export async function rawClient(t: TestScope, rig: HttpRig): Promise<RawClient> {
  const client = await RawClient.connect(rig.server.addr);
  t.after(() => client.destroy());
  return client;
}

/** An answer as it stood in the stream. */
export interface RawAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Takes answers apart, of which each has a `Content-Length` or chunks; what is left over is at the end. */
export class AnswerReader {
  #text: string;

  constructor(bytes: Uint8Array) {
    this.#text = Buffer.from(bytes).toString('latin1');
  }

  get rest(): string {
    return this.#text;
  }

  /** @param hasBody false for an answer to HEAD. */
  next(hasBody = true): RawAnswer {
    const end = this.#text.indexOf('\r\n\r\n');
    assert.ok(end >= 0, `no whole head in ${JSON.stringify(this.#text.slice(0, 200))}`);
    const [first = '', ...lines] = this.#text.slice(0, end).split('\r\n');
    this.#text = this.#text.slice(end + 4);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const [, digits, statusText = ''] = /^HTTP\/1\.1 (\d{3}) (.*)/.exec(first) ?? [];
    const status = Number(digits);
    assert.ok(status >= 100, first);
    const isEmpty = !hasBody || status < 200 || status === 204 || status === 304;
    const body = isEmpty ? '' : this.#body(headers);
    return { status, statusText, headers, body };
  }

  #body(headers: ReadonlyMap<string, string>): string {
    if (headers.get('transfer-encoding') === 'chunked') return this.#chunks();
    const length = headers.get('content-length');
    return this.#take(length === undefined ? this.#text.length : Number(length));
  }

  #chunks(): string {
    let body = '';
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      const size = Number.parseInt(this.#text.slice(0, end), 16);
      assert.ok(size >= 0, `no chunk in ${JSON.stringify(this.#text.slice(0, 100))}`);
      this.#text = this.#text.slice(end + 2);
      if (size === 0) break;
      body += this.#take(size);
      assert.equal(this.#take(2), '\r\n');
    }
    // Trailers, and the empty line.
    this.#text = this.#text.slice(this.#text.indexOf('\r\n') + 2);
    return body;
  }

  #take(length: number): string {
    const taken = this.#text.slice(0, length);
    assert.equal(taken.length, length, 'the body is complete');
    this.#text = this.#text.slice(length);
    return taken;
  }
}

/** Sends this and reads until the end, which a request with `Connection: close` brings. */
export async function exchange(t: TestScope, rig: HttpRig, text: string): Promise<AnswerReader> {
  const client = await rawClient(t, rig);
  client.write(Buffer.from(text, 'latin1'));
  return new AnswerReader(await client.readUntilEnd());
}

/** One request whose connection is closed behind it. */
export async function ask(t: TestScope, rig: HttpRig, text: string): Promise<RawAnswer> {
  const [first = '', ...rest] = text.split('\r\n');
  const whole = [first, 'Host: example', 'Connection: close', ...rest].join('\r\n');
  return (await exchange(t, rig, whole)).next(!first.startsWith('HEAD '));
}
