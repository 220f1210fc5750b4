import type { SocketConnectOpts } from 'node:net';
import type { Client } from '../index.ts';
import { ConnSocket, type ConnSocketOptions } from './conn-socket.ts';
import { Dialler, isSecure, type Target } from './dialler.ts';
import { TlsConnSocket } from './tls-conn-socket.ts';

/** The callback that undici and `http.Agent` pass. */
export type ConnectCallback = (error: Error | null, socket: ConnSocket | null) => void;

/**
 * Makes sockets that a gnet client dials. Without a target the socket is not connected yet; the
 * package that gets it calls `connect`, as `pg` does.
 */
export type CreateConnection = (target?: Target, callback?: ConnectCallback) => ConnSocket;

/**
 * For options that take a function that connects: `createConnection` of `http.Agent` and
 * `http.request`, `connect` of undici, `stream` of `pg` and `mysql2`, the stream builder of
 * mqtt.js.
 *
 * It returns the socket at once; you may write to it before it is connected. It calls `callback`
 * when the socket is connected or has failed; in that case the socket does not also emit the error.
 */
export function createConnection(
  client: Client | (() => Client | Promise<Client>),
  options: ConnSocketOptions = {},
): CreateConnection {
  const get = typeof client === 'function' ? client : (): Client => client;
  return (target, callback) => {
    const secure = target !== undefined && isSecure(target);
    const Kind = secure ? TlsConnSocket : ConnSocket;
    const socket = new Kind(options, new Dialler(get, undefined, { secure }));
    if (target === undefined) return socket;
    if (callback !== undefined) tell(socket, callback);
    return socket.connect(target as SocketConnectOpts);
  };
}

function tell(socket: ConnSocket, callback: ConnectCallback): void {
  const failed = (error: Error): void => {
    socket.removeListener('connect', connected);
    callback(error, null);
  };
  const connected = (): void => {
    socket.removeListener('error', failed);
    callback(null, socket);
  };
  socket.once('error', failed);
  socket.once('connect', connected);
}
