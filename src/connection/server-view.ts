import type { TlsServerOptions } from '../tls/options/types.ts';
import type { Bytes, ConnId } from './conn-id.ts';

/** How a stop ended. */
export interface StopResult {
  /** Connections that had not finished by the timeout and were closed by force. */
  readonly forced: number;
  /** What was left undone; absent when everything that had arrived before the stop was finished. */
  readonly undone?: UndoneWork;
}

/** What a stop could not finish before its timeout. */
export interface UndoneWork {
  /** Connections with input that had arrived before the stop and was not, or not all, handled. */
  readonly unhandledInput: number;
  /** Connections and datagrams whose handler had returned a promise that did not settle. */
  readonly unsettledHandlers: number;
  /** Bytes that the program had written and the kernel had not taken. */
  readonly unsentBytes: number;
  /** Loops that did not answer, so that their threads were ended with all their connections. */
  readonly lostLoops: number;
}

export interface StopOptions {
  /** Milliseconds until what is still open is closed by force; 5,000 by default. */
  readonly timeout?: number;
  /** Aborting it forces what is still open at once. */
  readonly signal?: AbortSignal;
}

/** A connection as seen from any thread. Structured-clonable; good for as long as the server runs. */
export interface ConnHandle {
  readonly id: ConnId;
  /**
   * Resolves when the connection has taken the bytes and has room for more, which says nothing of when
   * they are sent. While more is pending than `highWaterMark` it waits for `lowWaterMark`, or the end of
   * the connection: who awaits it never reaches `maxOutboundBytes`. Rejects with `ErrConnClosed` for a
   * stale id. Bytes are taken at the call, which any thread may make.
   */
  write(data: Bytes): Promise<void>;
  wake(): void;
  close(): void;
}

/** What became of a restart. */
export interface RestartResult {
  /** The process that serves from now on. */
  readonly pid: number;
  /** How this server ended in this process: its connections go on until they are done. */
  readonly drained: Promise<StopResult>;
}

/** How a restart goes; milliseconds. */
export interface RestartOptions {
  /**
   * How long the new process may take until it listens; `Infinity` for as long as it wants. It is ended
   * then, and this one goes on. Default 30,000.
   */
  readonly readyTimeout?: number;
  /**
   * How long the connections of this process may take to end, as `timeout` of `stop`; `Infinity` for as
   * long as they want. Default 60,000.
   */
  readonly drainTimeout?: number;
}

/** Counters of one event loop. */
export interface LoopStats {
  /** Turns of the loop, waits in the kernel, and events that the driver reported. */
  readonly turns: number;
  readonly waits: number;
  readonly events: number;
  readonly connections: number;
  /** Connections that were accepted, or that a client dialled. */
  readonly accepted: number;
  readonly closed: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Times a listener rested because descriptors or memory had run out. */
  readonly acceptRests: number;
  /** Datagrams that were received. */
  readonly datagramsReceived: number;
  /**
   * Datagrams that arrived and were dropped, because those before them had filled the receive buffer
   * of the socket: see `socketRecvBuffer`.
   */
  readonly datagramsOverflowed: number;
  /** Datagrams that were cut because they were longer than `readBufferCap`. */
  readonly datagramsTruncated: number;
  /** Datagrams that the kernel did not take when they were to be sent. */
  readonly datagramsDropped: number;
  /** Peers that have a session now, and sockets that are dialled: see `udpSessions`. */
  readonly datagramSessions: number;
  /** Datagrams of peers for whom there was no session left: see `udpSessions.max`. */
  readonly datagramsRefused: number;
  /** Connections whose TLS handshake was completed. */
  readonly tlsHandshakes: number;
  /** Connections that were refused in it, or that gave up. */
  readonly tlsFailures: number;
  /** Milliseconds of the thread that handshakes took. */
  readonly tlsHandshakeMs: number;
  /** Share of wall time spent working, 0..1, over the life of the loop. */
  readonly utilization: number;
}

/** TLS of a server, over all loops. */
export interface TlsStats {
  /**
   * Whose OpenSSL it is: that inside the runtime, called by FFI, or the system's; `node:tls` where
   * neither can be called.
   */
  readonly engine: 'runtime' | 'system' | 'node:tls';
  /** `3.5.8`. */
  readonly version: string;
  readonly handshakes: number;
  readonly failures: number;
}

/** What the loops of a server have counted together. */
export function tlsStats(
  about: Pick<TlsStats, 'engine' | 'version'> | undefined,
  loops: readonly LoopStats[],
): TlsStats | undefined {
  if (about === undefined) return undefined;
  return {
    ...about,
    handshakes: loops.reduce((sum, loop) => sum + loop.tlsHandshakes, 0),
    failures: loops.reduce((sum, loop) => sum + loop.tlsFailures, 0),
  };
}

export interface ServerStats {
  readonly driver: string;
  /** Undefined on a server without TLS. */
  readonly tls: TlsStats | undefined;
  /** Better drivers that do not work here, and why; empty when the program named the driver. */
  readonly driversRefused: readonly { readonly name: string; readonly reason: string }[];
  /**
   * How the loop shares its thread with the runtime: `embedded`, `runtime` when the runtime's own
   * sockets are used, or the fall-back in use.
   */
  readonly host: string;
  readonly connections: number;
  readonly loops: readonly LoopStats[];
}

/** The running server. */
export interface Server extends AsyncDisposable {
  /** The first address, with its real port: `127.0.0.1:9000`, `[::]:9000` or a Unix path. */
  readonly addr: string;
  readonly addrs: readonly string[];
  /** The option as given. */
  readonly multicore: boolean;
  /** The real number of loops. */
  readonly numEventLoop: number;
  readonly reusePort: boolean;
  /** Milliseconds, 0 is off. */
  readonly tcpKeepAlive: number;
  /** `epoll`, ... */
  readonly driver: string;
  /** Open stream connections over all loops. */
  countConnections(): number;
  /**
   * A close-on-exec duplicate of the first listener's descriptor, which the caller must close.
   * @throws `ErrServerInShutdown` after the end.
   */
  dupFd(): number;
  /**
   * A handle for the connection with that id.
   * @throws `ErrConnClosed` when the id is stale or was never given out.
   */
  conn(id: ConnId): ConnHandle;
  /**
   * Sends `data` through the codec to every open stream connection; how many took it. Waits up to a
   * second for those with more pending than `highWaterMark`; who has not caught up by then is not waited
   * for again before it has.
   */
  broadcast(data: Bytes): Promise<number>;
  /**
   * UDP: one datagram to an address (`udp://host:port`, or without the scheme), from the first address of
   * this server that such go out of. Resolves when the kernel has it, with several loops of one of them;
   * bytes are taken at the call. On the driver `node` it does not tell what the kernel refused.
   * @throws SyscallError (`EMSGSIZE`, `EAGAIN` when there is no room, ...); ErrInvalidNetworkAddress;
   * ErrUnsupportedOp when the server has no address of UDP for that; ErrServerInShutdown.
   */
  sendTo(address: string, data: Bytes): Promise<void>;
  /**
   * TLS for connections that come from now on: those that are open keep what they have. Resolves when
   * everything was checked and given to every loop. On the main thread, of a server with TLS.
   * @throws ErrInvalidOption, with everything as it was; ErrUnsupportedOp for a plain server.
   */
  setTls(options: TlsServerOptions): Promise<void>;
  /**
   * Listens on one more address, in the forms of `serve`; resolves with the real one, when every loop
   * that is to listens there: where one cannot, none does. On the main thread.
   * @throws as `serve` for an address; ErrLoopsDied when no loop runs at the moment; ErrServerInShutdown.
   */
  listen(address: string): Promise<string>;
  /**
   * Serves what waits at an address, given as to `stop`, and closes it; its connections stay.
   * @throws ErrInvalidNetworkAddress when the server does not listen there; ErrServerInShutdown.
   */
  unlisten(address: string): Promise<void>;
  /**
   * A connected TCP or Unix socket that was opened elsewhere becomes a connection like any other, with
   * `onOpened`; the descriptor belongs to the server from then on. On the main thread.
   * @throws a `GnetError`, and the descriptor stays the caller's: it is not connected, or no stream socket.
   */
  adopt(fd: number): Promise<void>;
  /**
   * Starts the program again and leaves the listeners of every server of this process to it, without
   * losing a connection: see `docs/restart.md`. Resolves when the new process accepts; this one then
   * stops, as `stop` does. On the main thread.
   * @throws ErrRestartFailed when the new process does not take over, with everything as it was;
   * ErrRestartInProgress, ErrServerInShutdown, ErrInvalidOption; ErrUnsupportedOp where listeners cannot
   * go to another process.
   */
  restart(options?: RestartOptions): Promise<RestartResult>;
  /** Graceful: stop accepting, `signalClose`, flush, close, force at the timeout. Idempotent. */
  stop(options?: StopOptions): Promise<StopResult>;
  /** `stop({ timeout: 0 })`. */
  close(): Promise<StopResult>;
  /** Resolves when the server is down; rejects only when it died of an error. */
  readonly closed: Promise<void>;
  stats(): ServerStats;
}
