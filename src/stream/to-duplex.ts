import { type Conn, ErrUnsupportedOp } from '../index.ts';
import { ConnSocket, type ConnSocketOptions, type SocketSettings } from './conn-socket.ts';
import { TlsConnSocket } from './tls-conn-socket.ts';

/**
 * Turns a connection into a stream for packages made for `node:net`. From now on the stream gets
 * the events of the connection, without a codec, instead of its handler. The stream sets its
 * watermarks and half-open. The stream first gets the received bytes that were not consumed yet.
 * @throws ErrUnsupportedOp for a datagram.
 */
export function toDuplex(c: Conn, options: ConnSocketOptions = {}): ConnSocket {
  return socketOver(c, options);
}

/** As `toDuplex`, for this package. */
export function socketOver(c: Conn, options: SocketSettings): ConnSocket {
  if (c.id === -1) {
    throw new ErrUnsupportedOp('cannot make a stream of a datagram: answer it with sendTo');
  }
  return c.tls === undefined ? new ConnSocket(options, c) : new TlsConnSocket(options, c);
}
