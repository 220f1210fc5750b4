import type { Conn } from '../index.ts';
import { AnswerState, type Exchange, exchangeOf } from './exchange.ts';
import { LightResponse } from './light-response.ts';
import { RealResponse } from './web-stand-in.ts';

type Take = (conn: Conn<unknown>) => void | Promise<void>;

/** An answer that ends HTTP on its connection: `101`, and then another protocol. */
export class SwitchedProtocol {
  readonly status = 101;
  readonly statusText = 'Switching Protocols';
  readonly headers: Headers;
  readonly ok = false;
  readonly body = null;
  readonly bodyUsed = false;
  readonly #take: Take;

  constructor(headers: Headers, take: Take) {
    this.headers = headers;
    this.#take = take;
  }

  /**
   * Sends the head and gives the connection away. @returns what the program's function returned.
   * @throws what a header that cannot be sent is refused with: then nothing was sent and the answer is still
   * awaited; or what the program's function throws.
   */
  begin(exchange: Exchange): unknown {
    const { connection } = exchange;
    const { head } = connection.server;
    head.begin(this.status, '');
    head.addAll(this.headers);
    const text = `${head.text}Connection: Upgrade\r\n\r\n`;
    connection.conn.writeNoCodec(Buffer.from(text, 'latin1'));
    connection.leave(exchange);
    return this.#take(connection.conn as unknown as Conn<unknown>);
  }
}

Object.setPrototypeOf(SwitchedProtocol.prototype, RealResponse.prototype);

/** The answer to a client that cannot switch; null for one that can. */
function refusalOf({ minorVersion, body }: Exchange, headers: Headers): Response | null {
  if (minorVersion === 0) {
    // Its Upgrade counts for nothing (RFC 9110, 7.8).
    const upgrade = headers.get('upgrade') as string;
    return refuse('Only a client of HTTP/1.1 can switch', { status: 426, headers: { upgrade } });
  }
  return body === null ? null : refuse('Only a request without a body can switch', { status: 400 });
}

function refuse(text: string, init: ResponseInit): Response {
  return new LightResponse(`${text}\n`, init) as unknown as Response;
}

/**
 * Makes the answer `101 Switching Protocols`. When the handler returns it, HTTP ends on this
 * connection, and gnet calls `take` with the connection, which then sets a new codec and handler
 * (`setCodec`, `setHandler`). Bytes that the client sent after its request belong to the new
 * protocol: they wait until the connection has its codec, and beyond 64 KiB gnet reads no more until
 * then. If `take` throws or rejects, gnet logs the error and closes the connection.
 * @param headers the headers of the answer, with `Upgrade`; gnet adds `Connection`.
 *
 * Returns the answer 426 for a request of HTTP/1.0, and 400 for one with a body: these cannot switch.
 * @throws TypeError if this server is not answering the request, or the headers have no `Upgrade`.
 */
export function switchProtocol(
  request: Request,
  headers: NonNullable<ResponseInit['headers']>,
  take: (conn: Conn<unknown>) => void | Promise<void>,
): Response {
  const exchange = exchangeOf(request);
  if (exchange === undefined || exchange.state !== AnswerState.Awaited) {
    throw new TypeError('Cannot switch the protocol: give the request that is being answered');
  }
  const given = new Headers(headers);
  if (!given.has('upgrade')) {
    throw new TypeError('Cannot switch the protocol: the headers have no Upgrade that names it');
  }
  return refusalOf(exchange, given) ?? (new SwitchedProtocol(given, take) as unknown as Response);
}
