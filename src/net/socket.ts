import type { SocketConnectOpts } from 'node:net';
import { ErrUnsupportedOp } from '../index.ts';
import { ConnSocket } from '../stream/conn-socket.ts';
import { Dialler, type Target } from '../stream/dialler.ts';
import { nodeError } from './node-error.ts';
import { joinClient, leaveClient } from './shared-client.ts';

export interface SocketOptions {
  readonly allowHalfOpen?: boolean;
  readonly highWaterMark?: number;
  readonly signal?: AbortSignal;
}

/** What `connect` takes besides an address. */
interface ConnectExtras {
  readonly timeout?: number;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelay?: number;
  readonly signal?: AbortSignal;
}

/** A `net.Socket` that this thread's gnet loop dials. */
export class Socket extends ConnSocket {
  /** @throws ErrUnsupportedOp for an open handle or descriptor. */
  constructor(options: SocketOptions = {}) {
    for (const name of ['fd', 'handle', 'onread']) {
      if ((options as Record<string, unknown>)[name] === undefined) continue;
      throw new ErrUnsupportedOp(
        `cannot make a socket of ${name}: a socket of gnet/net begins unconnected; use node:net for it`,
      );
    }
    super(options, new Dialler(joinClient, leaveClient, { target: pathFirst, errorOf: nodeError }));
  }
}

/** A path wins over a port. */
function pathFirst(given: Target): Target {
  return typeof given.path === 'string' ? { ...given, port: undefined } : given;
}

type ConnectListener = () => void;

/** Like `net.connect`; returns the socket at once. */
export function connect(options: SocketConnectOpts, connected?: ConnectListener): Socket;
export function connect(port: number, host?: string, connected?: ConnectListener): Socket;
export function connect(port: number, connected?: ConnectListener): Socket;
export function connect(path: string, connected?: ConnectListener): Socket;
export function connect(...given: unknown[]): Socket {
  const [first] = given;
  const options = typeof first === 'object' && first !== null ? (first as ConnectExtras) : {};
  const socket = new Socket(options as SocketOptions);
  const { timeout, noDelay, keepAlive, keepAliveInitialDelay } = options;
  if (timeout !== undefined && timeout > 0) socket.setTimeout(timeout);
  if (noDelay !== undefined) socket.setNoDelay(noDelay);
  if (keepAlive === true) socket.setKeepAlive(true, keepAliveInitialDelay);
  return socket.connect(...(given as [SocketConnectOpts]));
}
