import type { SocketConnectOpts } from 'node:net';
import type { Client } from '../index.ts';
import { ConnSocket, type ConnSocketOptions } from './conn-socket.ts';
import { Dialler, type Target } from './dialler.ts';

/** As undici and `http.Agent` want to hear of it. */
export type ConnectCallback = (error: Error | null, socket: ConnSocket | null) => void;

/**
 * Makes sockets that a client of gnet dials. Without a target it is not connected yet: its `connect` is
 * called by whom it is given to, as `pg` does.
 */
export type CreateConnection = (target?: Target, callback?: ConnectCallback) => ConnSocket;

/**
 * For what takes a function that connects: `createConnection` of `http.Agent` and `http.request`,
 * `connect` of undici, `stream` of `pg` and `mysql2`, the stream builder of mqtt.js.
 *
 * The socket is returned at once, and takes writes before it is connected. `callback` is called when it
 * is connected, or cannot be; then the error is no event of the socket.
 */
export function createConnection(
  client: Client | (() => Client | Promise<Client>),
  options: ConnSocketOptions = {},
): CreateConnection {
  const get = typeof client === 'function' ? client : (): Client => client;
  return (target, callback) => {
    const socket = new ConnSocket(options, new Dialler(get));
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
