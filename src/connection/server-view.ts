import type { Sendable } from './prepared.ts';
import type { ConnId } from './conn-id.ts';
import type { HistogramsOfLoop } from './loop-histograms.ts';

/** How a stop ended. */
export interface StopResult {
  /** Connections that had not finished by the timeout and were closed by force. */
  readonly forced: number;
  /** The unfinished work; absent if everything that had arrived before the stop was finished. */
  readonly undone?: UndoneWork;
}

/** What a stop could not finish before its timeout. */
export interface UndoneWork {
  /** Connections with input from before the stop that was not handled completely. */
  readonly unhandledInput: number;
  /**
   * Connections and datagrams whose handler returned a promise that did not settle, and promises given
   * to `waitUntil` of `gnet/http`.
   */
  readonly unsettledHandlers: number;
  /** Bytes that the program wrote and the kernel did not take. */
  readonly unsentBytes: number;
  /** Loops that did not react, so that gnet ended their threads with all their connections. */
  readonly lostLoops: number;
}

export interface StopOptions {
  /** Milliseconds until gnet closes what is still open by force; 5,000 by default. */
  readonly timeout?: number;
  /** Closes what is still open by force when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * A connection for use on any thread. Structured-clonable; valid for as long as the server runs.
 */
export interface ConnHandle {
  readonly id: ConnId;
  /**
   * Copies the bytes during the call. Resolves when the connection has taken them and has room for
   * more; this does not say when it sends them. While more than `highWaterMark` is pending, the
   * promise waits for `lowWaterMark` or the end of the connection, so code that awaits it never
   * reaches `maxOutboundBytes`. Rejects with `ErrConnClosed` for a stale id. Any thread may call
   * it.
   */
  write(data: Sendable): Promise<void>;
  /**
   * Resolves with `c.safeContext`; a copy on other threads. Rejects with `ErrConnClosed` for a
   * stale id, and with `ErrInvalidReply` for a value that cannot be copied to this thread.
   */
  context(): Promise<unknown>;
  /**
   * Sets `c.safeContext`, after this thread's earlier writes; resolves when it is set. Rejects with
   * `ErrConnClosed` for a stale id, and with `ErrInvalidReply` for a value that cannot go to other
   * threads: functions, shared memory, and what is nested too deep for their stacks.
   */
  setContext(value: unknown): Promise<void>;
  wake(): void;
  close(): void;
}

/** How to join a multicast group. */
export interface GroupOptions {
  /** The name (`eth0`) or an address of the interface. Default: the routing table decides. */
  readonly interface?: string;
  /** Receives only datagrams from this address (source-specific multicast). */
  readonly source?: string;
}

/** The result of a restart. */
export interface RestartResult {
  /** The process that serves from now on. */
  readonly pid: number;
  /** How this server ended in this process; its connections continue until they are done. */
  readonly drained: Promise<StopResult>;
}

/** Time limits of a restart, in milliseconds. */
export interface RestartOptions {
  /**
   * How long the new process may take until it listens; `Infinity` for no limit. After that gnet
   * ends it, and this process continues. Default 30,000.
   */
  readonly readyTimeout?: number;
  /**
   * How long the connections of this process may take to end, like `timeout` of `stop`; `Infinity`
   * for no limit. Default 60,000.
   */
  readonly drainTimeout?: number;
}

/** One open stream connection, as `server.listConnections()` found it. */
export interface ConnectionInfo {
  /** For `server.conn(id)`. */
  readonly id: ConnId;
  /** The number of the loop that owns it. */
  readonly loop: number;
  readonly remoteAddr: string;
  readonly localAddr: string;
  /** Milliseconds since the server accepted or the client dialled it. */
  readonly age: number;
  /** Bytes received, before the codec; with TLS, after decryption. */
  readonly bytesReceived: number;
  /** Bytes that the kernel took; with TLS, counted before encryption. */
  readonly bytesSent: number;
  /** Received bytes that no frame has consumed yet. */
  readonly inboundBuffered: number;
  /** Written bytes that the kernel has not taken yet. */
  readonly outboundBuffered: number;
  /** `paused`: it reads nothing now. `closing`: it is on its way to its end. */
  readonly state: 'open' | 'paused' | 'closing';
}

/** Which connections `server.listConnections()` returns. */
export interface ListOptions {
  /** The figure by which the list is sorted, the greatest first. Default `age`. */
  readonly orderBy?: 'age' | 'bytesReceived' | 'bytesSent' | 'inboundBuffered' | 'outboundBuffered';
  /** The length of the list, 1 to 1,000,000. Default 1,000. */
  readonly limit?: number;
}

/** Counters of one event loop. */
export interface LoopStats {
  /** Turns of the loop, waits in the kernel, and events that the driver reported. */
  readonly turns: number;
  readonly waits: number;
  readonly events: number;
  readonly connections: number;
  /** Connections that the server accepted or the client dialled. */
  readonly accepted: number;
  readonly closed: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Frames that codecs cut, each for a call of `react`. Datagrams are counted separately. */
  readonly frames: number;
  /** Times that the pending output of a connection rose above `highWaterMark`. */
  readonly aboveHighWater: number;
  /** Connections that the peer reset, or left before it had everything (`ECONNRESET`, `EPIPE`). */
  readonly closedByReset: number;
  /** Connections that a time limit closed (`ErrTimeout`), or the kernel (`ETIMEDOUT`). */
  readonly closedByTimeout: number;
  /** Connections beyond `maxOutboundBytes`, `maxInboundBytes` or `maxFrameLength`. */
  readonly closedByLimit: number;
  /** Connections whose bytes the codec, TLS or the PROXY header could not read. */
  readonly closedByProtocol: number;
  /** Connections whose handler threw, rejected or answered with something that is no answer. */
  readonly closedByHandler: number;
  /** Connections that ended with any other error. */
  readonly closedByOther: number;
  /** Times a listener paused because descriptors or memory had run out. */
  readonly acceptRests: number;
  /** Datagrams received. */
  readonly datagramsReceived: number;
  /**
   * Datagrams that the kernel dropped because the receive buffer of the socket was full: see
   * `socketRecvBuffer`.
   */
  readonly datagramsOverflowed: number;
  /** Datagrams truncated because they were longer than `readBufferCap`. */
  readonly datagramsTruncated: number;
  /** Outgoing datagrams that the kernel did not take. */
  readonly datagramsDropped: number;
  /** Open sessions of peers, and dialled sockets: see `udpSessions`. */
  readonly datagramSessions: number;
  /** Datagrams dropped because there were already `udpSessions.max` sessions. */
  readonly datagramsRefused: number;
  /** Completed TLS handshakes. */
  readonly tlsHandshakes: number;
  /** Handshakes that failed or that the peer abandoned. */
  readonly tlsFailures: number;
  /** Milliseconds of the thread's time spent on handshakes. */
  readonly tlsHandshakeMs: number;
  /** Bytes of calls from other threads that the loop has not handled yet. */
  readonly mailboxBytes: number;
  /**
   * Milliseconds that the loop has worked. Two values and the time between them tell how busy the loop
   * was meanwhile.
   */
  readonly activeMs: number;
  /** Milliseconds that it had nothing to do: asleep, or looking for events (`busyPoll`). */
  readonly idleMs: number;
  /**
   * The share of the last five seconds that the loop worked, 0 to 1; of a younger loop, the share of its
   * life. A loop that a handler blocks counts as working.
   */
  readonly utilization: number;
  /** How long its work took and how large frames were; only with the option `histograms`. */
  readonly histograms?: HistogramsOfLoop;
}

/** TLS of a server, over all loops. */
export interface TlsStats {
  /**
   * The OpenSSL in use: the one inside the runtime, called through FFI, or the system's; `node:tls`
   * if neither can be called.
   */
  readonly engine: 'runtime' | 'system' | 'node:tls';
  /** `3.5.8`. */
  readonly version: string;
  readonly handshakes: number;
  readonly failures: number;
}

/** The TLS counters of all loops of a server, added up. */
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
  /** Better drivers that do not work here, and why; empty if the program named the driver. */
  readonly driversRefused: readonly { readonly name: string; readonly reason: string }[];
  /**
   * How the loop shares its thread with the runtime: `embedded`, `runtime` on the driver `node`, or
   * the fall-back in use (`parked`, `turns`).
   */
  readonly host: string;
  readonly connections: number;
  readonly loops: readonly LoopStats[];
}
