import type { Socket } from 'node:net';
import type { FrameSource, ICodec } from '../codec/codec.ts';
import type { Action } from './action.ts';
import type { Reply, TickReply } from './answers.ts';
import type { Bytes } from './bytes.ts';
import type { Sendable } from './prepared.ts';
import type { ConnId } from './conn-id.ts';
import type { Flow, KeepAliveTimes, Timeouts } from './conn-settings.ts';
import type { ProxiedConnection } from './proxy-protocol/format.ts';
import type { TlsInfo } from './tls/info.ts';
import type { TcpInfo } from '../driver/contract.ts';
import type {
  ConnectionInfo,
  ConnHandle,
  GroupOptions,
  ListOptions,
  RestartOptions,
  RestartResult,
  ServerStats,
  StopOptions,
  StopResult,
} from './server-view.ts';
import type { LogLevel } from '../logging/log-level.ts';
import type { TlsServerOptions } from '../tls/options/types.ts';
import type { UpgradeOptions } from './tls/upgrade-options.ts';

export type { Bytes, ConnId, KeepAliveTimes, Reply, TcpInfo, TickReply, Timeouts };

/**
 * One connection. For UDP it is one datagram and its sender, or the session of one peer. Use its
 * members only on the thread of the loop that owns it; on other threads use `server.conn(id)`.
 */
export interface Conn<Context = unknown> extends FrameSource {
  /**
   * A value for the program: `undefined` until the program sets it, and after `onClosed`. Declare
   * `Context | undefined` if an event may read it before it is set.
   */
  context: Context;
  /**
   * A second value that any thread can read and set with a handle's `context()` and
   * `setContext(value)`: what `postMessage` takes. `undefined` at first, after the close, and always
   * for UDP. @throws ErrUnsupportedOp if you set it for UDP.
   */
  safeContext: unknown;
  readonly id: ConnId;
  /** The loop that owns it. */
  readonly loop: LoopView;
  /**
   * The file descriptor; -1 after the close, or if there is none. Use it only to inspect the
   * socket.
   */
  readonly fd: number;
  /** `127.0.0.1:9000`, `[::1]:9000`, a Unix path, or `@` for an unnamed Unix socket. */
  readonly localAddr: string;
  /** In the form of `localAddr`; still available in `onClosed`. */
  readonly remoteAddr: string;
  /** The port of `localAddr`; 0 for a Unix socket. */
  readonly localPort: number;
  /** The port of `remoteAddr`; 0 for a Unix socket. For a datagram, much cheaper than `remoteAddr`. */
  readonly remotePort: number;
  /**
   * What the PROXY header said about this connection, with the option `proxyProtocol`; undefined
   * without a header. With a header, `remoteAddr` and `localAddr` are the addresses that it named.
   */
  readonly proxied: ProxiedConnection | undefined;
  /**
   * The result of the TLS handshake; undefined on a plain connection, and after a close if nothing
   * read it before.
   */
  readonly tls: TlsInfo | undefined;

  /**
   * Encodes `data` and sends it after everything written before. It copies or sends the bytes
   * during the call. It returns `false` if more than `highWaterMark` is pending: nothing is lost,
   * wait for `onDrain`. It also returns `false` if the connection is closed: nothing is sent. For
   * UDP it sends one datagram. @throws the codec's error if the codec cannot encode `data`.
   */
  asyncWrite(data: Sendable): boolean;
  /** Like `asyncWrite`, without the codec. */
  writeNoCodec(data: Sendable): boolean;
  /**
   * Offers `data` to the kernel now, without the codec, straight from your memory; copies and queues
   * nothing. Returns how many bytes the kernel took: 0 while earlier output is pending, on a closed
   * connection, over TLS and on the driver `node`. Saves a copy of hundreds of KiB. Give what is left
   * to `writeNoCodec`: if it returns false, `onDrain` follows. @throws ErrInvalidReply, ErrUnsupportedOp.
   */
  tryWrite(data: Uint8Array): number;
  /**
   * Like `asyncWrite` (or `writeNoCodec`); resolves when the kernel has all bytes up to and including
   * these; `flushWrite('', true)` only waits. Rejects with `ErrConnClosed` if the connection closes first.
   */
  flushWrite(data: Sendable, noCodec?: boolean): Promise<void>;
  /**
   * Sends the parts in order, without the codec, and offers them to the kernel now. Together with
   * earlier pending output, up to 1 MiB leaves in one call (64 KiB on the driver `node`). Otherwise
   * it works like `writeNoCodec`. @throws ErrInvalidReply if `parts` is not a list of bytes, and
   * then takes none of them; ErrUnsupportedOp for UDP.
   */
  writev(parts: readonly Bytes[]): boolean;
  /**
   * Like `asyncWrite` with all parts in one piece: they form one frame of the codec. If the codec
   * does not change bytes, gnet does not build that piece. The frame leaves with the other output
   * of the turn. @throws as `writev`, and the codec's error.
   */
  asyncWritev(parts: readonly Bytes[]): boolean;
  /**
   * UDP: sends one datagram to the sender of this one, or to the peer of a session. Returns false
   * if the kernel did not take it; for a session, `onError` says why. @throws ErrUnsupportedOp on a
   * stream connection.
   */
  sendTo(data: Sendable): boolean;

  /**
   * UDP: like `sendTo` for each datagram, in as few system calls as possible. Returns how many the
   * kernel took. @throws ErrUnsupportedOp on a stream connection.
   */
  sendAll(datagrams: readonly Bytes[]): number;
  /**
   * UDP: the TOS or traffic class of the datagram, 0 to 255; the low two bits are ECN. In a session
   * and on a dialled socket that of the latest datagram: read it before the first `await`, or a later
   * one may have changed it; -1 before the first. -1 also on a stream connection, and without the
   * option `udp.receiveTypeOfService`.
   */
  readonly typeOfService: number;
  /**
   * A dialled UDP socket: sets the TOS or traffic class of the datagrams that it sends from now on,
   * 0 to 255. What was sent before this call keeps the one of before. @throws `ErrInvalidOption`;
   * `ErrUnsupportedOp` on anything else, and on the driver `node`.
   */
  setTypeOfService(value: number): void;

  /** Calls `react(null, c)` once, soon, from the loop. Each call of `wake` makes one. */
  wake(): void;
  /** Stops reading and delivering frames until `resumeRead()`. */
  pauseRead(): void;
  resumeRead(): void;
  /** Sends pending output, then ends our side. Frames still arrive until the peer ends too. */
  end(): void;
  /** Sends pending output, then closes. Closing twice does nothing. */
  close(): void;
  /**
   * Closes without sending pending output. A TCP peer sees a reset, so it does not mistake a part
   * for the whole. `onClosed` follows soon, without an error. For UDP it does nothing.
   */
  reset(): void;
  /**
   * Closes at once: offers pending output to the kernel once more, drops the rest, and delivers no
   * more frames. The peer sees an end, or a reset if some of its bytes were never read. `onClosed`
   * follows soon, without an error. For UDP it does nothing.
   */
  destroy(): void;
  /** Offers pending output to the kernel now instead of at the end of the loop's turn. */
  flush(): void;
  /**
   * Keeps a frame without a copy: it stays valid until you call the returned function, on this
   * thread, at any time. A second call does nothing. Call `retain` while the frame is still valid.
   * A frame that you never release costs the memory of a whole read, 64 KiB; in development mode
   * the log reports it. @throws `ErrUnsupportedOp` for an expired frame.
   */
  retain(frame: Uint8Array): () => void;
  /**
   * Switches a plain connection to TLS (STARTTLS). Earlier writes go out unencrypted; received
   * bytes that are not in a frame yet belong to the handshake. An accepted connection takes the
   * options of a server, a dialled one those of a client. Resolves when the handshake is complete;
   * `tls` then has its result. Until then gnet delivers no frame, and writes wait. While
   * unencrypted bytes are still going out, writes are refused. @throws ErrInvalidOption,
   * ErrUnsupportedOp, ErrTlsUnavailable, and leaves the connection as it was; an `ErrTls…`,
   * `ErrTimeout` or `ErrConnClosed` if the handshake fails, and closes the connection.
   */
  upgradeTls(options: UpgradeOptions): Promise<void>;
  /** Written bytes that the kernel has not taken. On io_uring 0 may rise again; see `flushWrite`. */
  outboundBuffered(): number;
  /** True when the peer has ended its side. */
  readonly readEnded: boolean;
  /** True from `destroy()`, `reset()` or a failure on, and from `onClosed` on; for UDP only that. */
  readonly isClosed: boolean;
  /**
   * Replaces the given limits and restarts them. Limits that you leave out or set to `undefined` do
   * not change. For UDP it does nothing. @throws ErrInvalidOption for values that `serve` refuses,
   * and then replaces nothing.
   */
  setTimeouts(timeouts: Timeouts): void;
  /**
   * Sets watermarks and half-open for this connection alone. Members that you leave out or set to
   * `undefined` do not change. For UDP it does nothing. @throws ErrInvalidOption for values that
   * `serve` refuses, and then replaces nothing.
   */
  setFlow(flow: Flow): void;
  /**
   * Calls `fn` once after `ms` milliseconds, 1 to 2^31-1, as an event of this connection: in its
   * async context, and its writes leave together. A throw closes the connection. The returned
   * function cancels the timer, and so does the close of the connection. The call may be 8 ms late,
   * and half a second late after 4 seconds or more. Thousands of timers cost next to nothing.
   * @throws ErrInvalidOption for other times; ErrUnsupportedOp for UDP.
   */
  setTimer(ms: number, fn: () => void): () => void;
  /** True sends small writes at once; false lets the kernel gather them. Only TCP has it. */
  setNoDelay(on: boolean): void;
  /**
   * Sets whether and how TCP probes a silent peer. On other sockets it does nothing; the driver
   * `node` supports only `idle`. @throws ErrInvalidOption for times that the kernel does not
   * accept.
   */
  setKeepAlive(on: boolean, times?: KeepAliveTimes): void;
  /**
   * Sets how `close()`, `Action.Close` and a stop end the connection. 0: they reset it at once and
   * drop pending output. Above 0: they close in order, and `closeTimeout` is this many seconds, up
   * to 65,535. Below 0: the server's setting applies. It never blocks the loop. @throws
   * ErrInvalidOption if `seconds` is not a whole number; ErrUnsupportedOp for UDP.
   */
  setLinger(seconds: number): void;
  /**
   * Sets SO_RCVBUF in bytes, 1 to 2^31-1; the kernel doubles the number, within its own limits.
   * @throws ErrInvalidOption; ErrUnsupportedOp for UDP, and on the driver `node`.
   */
  setReadBuffer(bytes: number): void;
  /** Sets SO_SNDBUF; otherwise like `setReadBuffer`. */
  setWriteBuffer(bytes: number): void;
  /**
   * Sets the milliseconds, 0 to 2^31-1, after which TCP gives up a peer that acknowledges no sent
   * byte: `onClosed` then gets `ETIMEDOUT`. 0 leaves it to the system (TCP_USER_TIMEOUT). @throws
   * ErrInvalidOption; ErrUnsupportedOp on other sockets, and on the driver `node`.
   */
  setUserTimeout(ms: number): void;
  /**
   * True acknowledges received data at once; false lets acknowledgements wait and travel with an
   * answer. The kernel later changes this by itself, so set it each time it matters (TCP_QUICKACK).
   * @throws ErrUnsupportedOp on other sockets than TCP, and on the driver `node`.
   */
  setQuickAck(on: boolean): void;
  /**
   * TCP's current figures for the connection, from a system call; undefined on other sockets, on
   * the driver `node`, and after the close.
   */
  tcpInfo(): TcpInfo | undefined;
  /**
   * Returns a close-on-exec duplicate of the descriptor; the caller must close it. For the peer,
   * the connection lives on while a duplicate is open: `close()` ends our side, `destroy()` does
   * not. @throws a `GnetError`: EMFILE; ErrConnClosed after the close; ErrUnsupportedOp for UDP,
   * and on the driver `node`.
   */
  dup(): number;
  /**
   * Sends 1 to 253 descriptors over a Unix socket, together with `data` of at least one byte, which
   * it sends as `asyncWrite` does. The peer has duplicates of them when it has the first byte. The
   * call duplicates the descriptors, so the caller may close its own at once. All writes stay in
   * order. @throws ErrInvalidOption for invalid descriptors, and without bytes; EBADF, EMFILE;
   * ErrUnsupportedOp on the driver `node`, on other sockets, and on a connection with a layer such
   * as TLS.
   */
  sendDescriptor(descriptor: number | readonly number[], data: Bytes): boolean;
  /**
   * Returns the next descriptor that has arrived over this Unix connection, in the order of
   * sending; -1 if there is none. When `react` gets a frame, the descriptors sent with it have
   * arrived. The caller owns the descriptor, which is close-on-exec; gnet closes those not taken
   * when the connection closes. Needs the option `receiveDescriptors`.
   * @throws ErrUnsupportedOp for UDP, and on the driver `node`.
   */
  receiveDescriptor(): number;

  /**
   * Replaces the codec from now on, in both directions. The new codec first gets the received bytes
   * that were not consumed yet, including those after the frame that `react` is handling. It also
   * encodes any answer returned after this call. `codecState` is reset. After the close it does nothing.
   * @throws `ErrInvalidOption` if it is no codec, `ErrUnsupportedOp` for UDP, and from `composeCodecs`.
   */
  setCodec<Frame = Buffer>(codec: ICodec<Frame>): void;
  /**
   * Replaces the handler of this connection, from its next event on; the async context stays the
   * same. gnet does not call `onOpened` again. The server's handler keeps the events that do not
   * belong to a connection (`tick`, `onInitComplete`, `onShutdown`). If the peer has ended before,
   * gnet calls `onEnd` of the new handler, too. After the close it does nothing. @throws
   * `ErrInvalidOption` if it is not a handler, `ErrUnsupportedOp` for UDP.
   */
  setHandler<Frame = Buffer, Own = Context>(handler: EventHandler<Frame, Own>): void;
}

/**
 * The program's event methods; each is optional. `onInitComplete` and `onShutdown` run once, on the
 * main thread's handler; `tick` runs in every loop; all others run in the loop that owns the
 * connection, one at a time.
 *
 * Any event may return a promise; a rejection has the same effect as a throw of that event. `serve`
 * waits for the promise of `onInitComplete`, and the end of the server for that of `onShutdown`.
 * While a promise of `onOpened`, `react`, `onEnd` or `signalClose` is pending, later frames of the
 * connection and its close wait. Nothing waits for the promises of `onClosed`, `preWrite` and
 * `onDrain`.
 *
 * `Frame` is the type of the codec's frames, `Context` the type of `c.context`.
 *
 * Events see the `AsyncLocalStorage` stores of the code that called `serve` or, for a client's
 * connections, `dial`. They never see a store that another event has entered.
 */
export interface EventHandler<Frame = Buffer, Context = unknown> {
  /** The server listens on all addresses; no connection has been accepted yet. */
  onInitComplete?(server: Server): Action | void | Promise<Action | void>;
  /** Everything is closed; comes after every `onClosed`. */
  onShutdown?(server: Server): void | Promise<void>;
  /** A connection is open. Returned bytes go out without the codec and without `preWrite`. */
  onOpened?(c: Conn<Context>): Reply | Promise<Reply>;
  /**
   * The connection is gone; `err` is the reason, or undefined for EOF, `close()`, actions and
   * `stop`.
   */
  onClosed?(c: Conn<Context>, err?: Error): Action | void | Promise<Action | void>;
  /** Runs just before bytes go to the kernel. */
  preWrite?(c: Conn<Context>): void | Promise<void>;
  /**
   * One frame, or null after `c.wake()`. The frame is valid until `react` returns, or until the
   * promise that it returned settles. Later frames of this connection wait for that promise.
   */
  react?(frame: Frame | null, c: Conn<Context>): Reply | Promise<Reply>;
  /** Pending output fell to `lowWaterMark` after a write had returned false. Once per crossing. */
  onDrain?(c: Conn<Context>): void | Promise<void>;
  /** The peer has ended its side; everything it sent has been delivered. */
  onEnd?(c: Conn<Context>): void | Promise<void>;
  /**
   * UDP: a datagram of a dialled socket or a session did not reach its peer. For example, nothing
   * listens there (`ECONNREFUSED`, only for dialled sockets), or the datagram is too long for the
   * path (`EMSGSIZE`). `c` stays open.
   */
  onError?(c: Conn<Context>, err: Error): void | Promise<void>;
  /** With `ticker`: first runs right after start. Never runs after `onShutdown`. */
  tick?(): TickReply | Promise<TickReply>;
  /** The server is stopping: send a goodbye message here. Runs once per open connection. */
  signalClose?(c: Conn<Context>): void | Promise<void>;
}

/** How `register` dials an address or takes over a socket. */
export interface RegisterOptions {
  /** A handler for this connection alone, including `onOpened`. */
  readonly handler?: EventHandler<never>;
  /** The connection's `c.context`, set before `onOpened`. */
  readonly context?: unknown;
  /** Milliseconds for look-up and all attempts; then `ErrTimeout`. 0, the default, is off. */
  readonly timeout?: number;
  /** Cancels the attempt when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * One event loop. Use it on its own thread. If `isHere` is false, all members except `index` and
 * `shared` throw or reject with `ErrUnsupportedOp`, because functions cannot go to other threads.
 * After the end of its server they do so with `ErrServerInShutdown`.
 */
export interface LoopView {
  /** The number of the loop, from 0. */
  readonly index: number;
  /** True if the loop runs on this thread. */
  readonly isHere: boolean;
  /** The option `shared` of its server. */
  readonly shared: unknown;
  /**
   * Calls `fn` once, soon, from the loop, never before this call has returned. gnet logs a throw or
   * a rejected promise. @throws ErrInvalidOption if `fn` is not a function.
   */
  execute(fn: () => unknown): void;
  /**
   * Calls `fn` once after `ms` milliseconds, 1 to 2^31-1, never early; it may be as late as a
   * connection's `setTimer`. The returned function cancels the call, and so does the end of the
   * server.
   * @throws ErrInvalidOption
   */
  schedule(ms: number, fn: () => unknown): () => void;
  /** The same, in the order of `setTimeout`. */
  schedule(fn: () => unknown, ms: number): () => void;
  /**
   * Adds a connection to this loop. For an address (`tcp://…`, `unix://…`) the loop dials it,
   * without TLS. For a connected stream socket that was opened elsewhere, the loop takes over its
   * descriptor, or the `net.Socket` itself (see `fromSocket` of `gnet/stream`), and treats the
   * connection as accepted. Resolves after `onOpened`.
   * @throws as `dial` of a client, and as `adopt` of a server.
   */
  register(target: string | number | Socket, options?: RegisterOptions): Promise<Conn>;
  /** The loop's open connections, as they are now. */
  connections(): IterableIterator<Conn>;
}

/** The running server. */
export interface Server extends AsyncDisposable {
  /** The first address, with its real port: `127.0.0.1:9000`, `[::]:9000` or a Unix path. */
  readonly addr: string;
  /** All of them; in the thread of a loop what `listen` and `unlisten` change shows a moment later. */
  readonly addrs: readonly string[];
  /** The option as given. */
  readonly multicore: boolean;
  /** The real number of loops. */
  readonly numEventLoop: number;
  readonly reusePort: boolean;
  /** The loops, in the order of their numbers; `isHere` is false for those of other threads. */
  readonly loops: readonly LoopView[];
  /** The option `shared` from the main thread's call of `serve`. */
  readonly shared: unknown;
  /** Milliseconds, 0 is off. */
  readonly tcpKeepAlive: number;
  /** `epoll`, ... */
  readonly driver: string;
  /** `stopping` while a stop is under way; `closed` after the last connection has ended. */
  readonly state: 'running' | 'stopping' | 'closed';
  /** The number of open stream connections of all loops. */
  countConnections(): number;
  /**
   * Returns a close-on-exec duplicate of the first listener's descriptor; the caller must close it.
   * @throws `ErrServerInShutdown` after the end; `ErrLoopsDied` while no loop listens.
   */
  dupFd(): number;
  /**
   * Returns a handle for the connection with this id. @throws `ErrConnClosed` if the id is stale or
   * never named a connection.
   */
  conn(id: ConnId): ConnHandle;
  /**
   * Returns the open stream connections of all loops, or the first ones of an order. Each loop looks
   * between two turns; loops that are down are left out. Call it on the main thread.
   * @throws ErrInvalidOption; ErrUnsupportedOp in the thread of a loop.
   */
  listConnections(options?: ListOptions): Promise<ConnectionInfo[]>;
  /**
   * From which level on the server logs; undefined if the program gave a logger of its own that is
   * not pino's. You may set it while the server runs, on the main thread; it then holds for all
   * loops.
   * @throws on setting, ErrInvalidOption; ErrUnsupportedOp where it is undefined.
   */
  logLevel: LogLevel | undefined;
  /**
   * Sends `data` through the codec to every open stream connection; resolves with the number that
   * took it. Waits up to a second for connections with more pending than `highWaterMark`. Later
   * broadcasts do not wait for a slower connection until it has caught up.
   */
  broadcast(data: Sendable): Promise<number>;
  /**
   * UDP: sends one datagram to an address (`udp://host:port`, or without the scheme), from this
   * server's first UDP address of the same family. Copies the bytes during the call. Resolves when
   * the kernel has taken the datagram from one of the loops. On the driver `node` it also resolves
   * if the kernel refused it. @throws SyscallError (`EMSGSIZE`, `EAGAIN` if there is no room, ...);
   * ErrInvalidNetworkAddress; ErrUnsupportedOp if the server has no suitable UDP address;
   * ErrServerInShutdown.
   */
  sendTo(address: string, data: Bytes): Promise<void>;
  /**
   * UDP: joins a multicast group (`239.1.2.3`, `ff15::1`) on each of this server's addresses of the
   * same family. With several loops only the first receives the group, so that each datagram makes
   * one call of `react`. Joining again does nothing. Call it on the main thread. @throws
   * ErrInvalidNetworkAddress if it is not a group; ErrInvalidOption; ErrUnsupportedOp if the server
   * has no suitable address; SyscallError; ErrServerInShutdown.
   */
  joinGroup(group: string, options?: GroupOptions): Promise<void>;
  /** Leaves a group; takes the same arguments. @throws as `joinGroup`; `EADDRNOTAVAIL` if not joined. */
  leaveGroup(group: string, options?: GroupOptions): Promise<void>;
  /**
   * Sets the TLS options for new connections; open connections keep theirs. Resolves when gnet has
   * checked the options and every loop has them. Call it on the main thread. @throws
   * ErrInvalidOption, and then changes nothing; ErrUnsupportedOp for a server without TLS.
   */
  setTls(options: TlsServerOptions): Promise<void>;
  /**
   * Listens on one more address, in the forms of `serve`. Resolves with the real address when every
   * loop that should listen does; if one cannot, none does. Call it on the main thread. @throws as
   * `serve` for an address, EADDRINUSE for one that the server already has; ErrLoopsDied if no loop runs
   * at the moment; ErrRestartInProgress; ErrServerInShutdown.
   */
  listen(address: string): Promise<string>;
  /**
   * Serves the connections that wait at an address, then stops listening there; its connections
   * stay. Takes the same address texts as `stop`. @throws ErrInvalidNetworkAddress if the server
   * does not listen there; ErrRestartInProgress; ErrServerInShutdown.
   */
  unlisten(address: string): Promise<void>;
  /**
   * Takes over a connected TCP or Unix socket that was opened elsewhere and treats it like any
   * other connection, with `onOpened`. From then on the server owns the descriptor. Call it on the
   * main thread. @throws a `GnetError` if it is not a connected stream socket, or belongs to a
   * connection of this program already (give a duplicate, from `c.dup()`), or the loop has no
   * room or no codec for it; the caller then still owns the descriptor. With several loops it
   * resolves when a loop was picked, and the log says if that one could not take it.
   */
  adopt(fd: number): Promise<void>;
  /**
   * Starts the program again and hands it the listeners of every server of this process, without
   * losing a connection: see `docs/restart.md`. Resolves when the new process accepts; this process
   * then stops, as with `stop`. Call it on the main thread. @throws ErrRestartFailed if the new
   * process does not take over, and then changes nothing; ErrRestartInProgress,
   * ErrServerInShutdown, ErrInvalidOption; ErrUnsupportedOp if listeners cannot go to another
   * process.
   */
  restart(options?: RestartOptions): Promise<RestartResult>;
  /** Stops accepting, calls `signalClose`, flushes and closes; forces the rest at the timeout. Idempotent. */
  stop(options?: StopOptions): Promise<StopResult>;
  /** `stop({ timeout: 0 })`. */
  close(): Promise<StopResult>;
  /** Resolves when the server is down; rejects only if an error brought it down. */
  readonly closed: Promise<void>;
  stats(): ServerStats;
}
