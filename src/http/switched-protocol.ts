import type { Conn } from '../index.ts';
import { AnswerState, type Exchange, exchangeOf } from './exchange.ts';
import { RealResponse } from './web-stand-in.ts';

/** An answer that ends HTTP on its connection: `101`, and then another protocol. */
export class SwitchedProtocol {
  readonly status = 101;
  readonly statusText = 'Switching Protocols';
  readonly headers: Headers;
  readonly ok = false;
  readonly body = null;
  readonly bodyUsed = false;
  readonly #take: (conn: Conn<unknown>) => void;

  constructor(headers: Headers, take: (conn: Conn<unknown>) => void) {
    this.headers = headers;
    this.#take = take;
  }

  /** Sends the head and gives the connection away. */
  begin(exchange: Exchange): void {
    const { connection } = exchange;
    const { head } = connection.server;
    head.begin(this.status, '');
    head.addAll(this.headers);
    const text = `${head.text}Connection: Upgrade\r\n\r\n`;
    connection.conn.writeNoCodec(Buffer.from(text, 'latin1'));
    connection.leave(exchange);
    this.#take(connection.conn as unknown as Conn<unknown>);
  }
}

Object.setPrototypeOf(SwitchedProtocol.prototype, RealResponse.prototype);

/**
 * Makes the answer `101 Switching Protocols`. When the handler returns it, HTTP ends on this
 * connection, and gnet calls `take` with the connection, which then sets a new codec and handler
 * (`setCodec`, `setHandler`). Bytes that the client sent after its request belong to the new
 * protocol. @param headers the headers of the answer, with `Upgrade`; gnet adds `Connection`.
 * @throws TypeError if this server is not answering the request, or the request has a body or is
 * HTTP/1.0.
 */
export function switchProtocol(
  request: Request,
  headers: NonNullable<ResponseInit['headers']>,
  take: (conn: Conn<unknown>) => void,
): Response {
  const exchange = exchangeOf(request);
  if (exchange === undefined || exchange.state !== AnswerState.Awaited) {
    throw new TypeError('Cannot switch the protocol: give the request that is being answered');
  }
  if (exchange.minorVersion === 0 || exchange.body !== null) {
    throw new TypeError(
      'Cannot switch the protocol: only a request of HTTP/1.1 without a body can',
    );
  }
  const given = new Headers(headers);
  if (!given.has('upgrade')) {
    throw new TypeError('Cannot switch the protocol: the headers have no Upgrade that names it');
  }
  return new SwitchedProtocol(given, take) as unknown as Response;
}
