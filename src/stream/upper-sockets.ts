import { EventEmitter } from 'node:events';
import { ConnSocket } from './conn-socket.ts';

/** What Node makes of a stream that is no socket of its own: it has the stream, and a place for names. */
interface Wrapper {
  readonly stream?: unknown;
  /** Of a TLS socket: its handle has the wrapper. */
  readonly _handle?: { readonly _parentWrap?: Wrapper } | null;
  _peername?: { address?: string; family?: string; port?: number };
  _sockname?: { address?: string; family?: string; port?: number };
}

/** Servers whose sockets get their names already. */
const named = new WeakSet<object>();

/**
 * Node's TLS and http2 stand on a wrapper around our stream, which knows no addresses: their sockets get
 * those of the connection.
 */
export function nameUpperSockets(server: object): void {
  if (!(server instanceof EventEmitter) || named.has(server)) return;
  named.add(server);
  server.prependListener('secureConnection', (socket: Wrapper) => {
    name(socket, socket._handle?._parentWrap?.stream);
  });
  server.prependListener('session', ({ socket }: { socket: Wrapper }) => {
    name(socket, socket.stream);
  });
}

function name(upper: Wrapper, below: unknown): void {
  if (!(below instanceof ConnSocket)) return;
  const { remoteAddress, remoteFamily, remotePort, localAddress, localFamily, localPort } = below;
  if (remoteAddress === undefined || remoteFamily === undefined || remotePort === undefined) return;
  upper._peername = { address: remoteAddress, family: remoteFamily, port: remotePort };
  upper._sockname = { address: localAddress, family: localFamily, port: localPort };
}
