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
  /** What `c.safeContext` is; a copy on other threads. Rejects with `ErrConnClosed` for a stale id. */
  context(): Promise<unknown>;
  /**
   * Sets `c.safeContext`, behind what was written by this thread before; resolves when it is set. Rejects
   * with `ErrConnClosed` for a stale id, and with `ErrInvalidReply` for what cannot go to other threads:
   * functions, and shared memory.
   */
  setContext(value: unknown): Promise<void>;
  wake(): void;
  close(): void;
}

/** How to join a multicast group. */
export interface GroupOptions {
  /** The name (`eth0`) or an address of the interface. Default: where the routes say. */
  readonly interface?: string;
  /** Only what this address sends (source-specific multicast). */
  readonly source?: string;
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
