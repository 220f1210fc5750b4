import { type Conn, ErrUnsupportedOp } from '../index.ts';
import { WebLink } from './web-link.ts';

export interface WebOptions {
  /** The connection is paused from this many unread bytes on. Default 65,536. */
  readonly highWaterMark?: number;
  /** Ends both streams with the reason of the signal, and the connection, when it aborts. */
  readonly signal?: AbortSignal;
}

/** A connection as web streams. */
export interface WebConnection extends AsyncDisposable {
  /** Bytes; a reader may bring its own buffers (BYOB). Cancelling it ends the connection. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Takes bytes and strings; closing it ends our side, aborting it resets the connection. */
  readonly writable: WritableStream<Uint8Array | string>;
  /** Resolves when the connection is gone; rejects with what broke it. */
  readonly closed: Promise<void>;
}

/**
 * Turns a connection into web streams, without its codec. The two sides end independently: you may
 * still write after the peer has ended. From now on the streams get the connection's events instead
 * of its handler.
 * @throws ErrUnsupportedOp for a datagram.
 */
export function toWeb(c: Conn, options: WebOptions = {}): WebConnection {
  if (c.id === -1) {
    throw new ErrUnsupportedOp('cannot make streams of a datagram: answer it with sendTo');
  }
  const link = new WebLink(c, options);
  return {
    readable: link.readable,
    writable: link.writable,
    closed: link.closed,
    async [Symbol.asyncDispose]() {
      c.close();
      await link.closed.catch(() => {});
    },
  };
}
