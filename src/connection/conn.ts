import type { Socket } from 'node:net';
import type { FrameSource, ICodec } from '../codec/codec.ts';
import type { Action } from './action.ts';
import type { Bytes, ConnId } from './conn-id.ts';
import type { Flow } from './flow-options.ts';
import type { ProxiedConnection } from './proxy-protocol/format.ts';
import type { TlsInfo } from './tls/info.ts';
import type { TcpInfo } from '../driver/contract.ts';
import type {
  ConnHandle,
  GroupOptions,
  RestartOptions,
  RestartResult,
  ServerStats,
  StopOptions,
  StopResult,
} from './server-view.ts';
import type { TlsServerOptions } from '../tls/options/types.ts';
import type { UpgradeOptions } from './tls/upgrade-options.ts';

export type { Bytes, ConnId, TcpInfo };

/** Time limits of one connection in milliseconds, 0 to 2^31-1; 0 switches a limit off. */
export interface Timeouts {
  /**
   * Close with `ErrTimeout` when nothing was received or written for this long, and nothing of what
   * was written is on its way to a slow reader.
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Close with `ErrTimeout` when nothing was received for this long, whatever is written meanwhile. It
   * counts while the connection reads: not while reading is paused or a promise of `react` is open.
   */
  readonly readTimeout?: number | undefined;
  /** Close with `ErrTimeout` when the peer took nothing of what is pending for this long. */
  readonly writeTimeout?: number | undefined;
  /**
   * How long a closing connection waits for a peer that takes nothing, then for its end. Bytes that it
   * did not take then are an `ErrTimeout`.
   */
  readonly closeTimeout?: number | undefined;
}

/** Probes for a peer that has gone without a word; what is left out stays as it is. */
export interface KeepAliveTimes {
  /** Milliseconds without traffic until the first probe, rounded up to whole seconds. */
  readonly idle?: number;
  /** Milliseconds between probes, rounded up to whole seconds. */
  readonly interval?: number;
  /** Probes without an answer after which the connection is dead: 1 to 127. */
  readonly count?: number;
}

/**
 * One connection (or, for UDP, one datagram and its sender, or all of one peer). Everything here must be
 * called on the thread of the loop that owns it; from other threads use `server.conn(id)`.
 */
export interface Conn<Context = unknown> extends FrameSource {
  /**
   * One value for the program's own use: `undefined` until the program sets it, and after `onClosed`.
   * Say `Context | undefined` where an event may come before that.
   */
  context: Context;
  /**
   * A second value, apart from `context`, that any thread may read and set by `context()` and
   * `setContext(value)` of a handle. `undefined` at first, after the close, and always for UDP.
   * @throws ErrUnsupportedOp when it is set for UDP.
   */
  safeContext: unknown;
  readonly id: ConnId;
  /** The loop that owns it. */
  readonly loop: LoopView;
  /** The file descriptor, or -1 after the close or where there is none. Only for looking at it. */
  readonly fd: number;
  /** `127.0.0.1:9000`, `[::1]:9000`, a Unix path, or `@` for an unnamed Unix socket. */
  readonly localAddr: string;
  /** As `localAddr`; still there in `onClosed`. */
  readonly remoteAddr: string;
  /**
   * What the proxy in front told about this connection, with the option `proxyProtocol`; undefined
   * when there is none. `remoteAddr` and `localAddr` are then those that it named.
   */
  readonly proxied: ProxiedConnection | undefined;
  /**
   * What TLS has agreed on with the peer; undefined on a plain connection, and of one that closed
   * before anybody had asked.
   */
  readonly tls: TlsInfo | undefined;

  /**
   * Encodes and sends `data`, after everything written before it; the bytes are taken at the call.
   * `false`: above `highWaterMark`, wait for `onDrain` (nothing is lost), or the connection is closed
   * (nothing is sent). For UDP it sends one datagram.
   * @throws the codec's error when `data` cannot be encoded.
   */
  asyncWrite(data: Bytes): boolean;
  /** As `asyncWrite`, without the codec. */
  writeNoCodec(data: Bytes): boolean;
  /**
   * As `asyncWrite` (or `writeNoCodec`); resolves when all bytes up to and with these are in the
   * kernel. Rejects with `ErrConnClosed` when the connection closes before that.
   */
  flushWrite(data: Bytes, noCodec?: boolean): Promise<void>;
  /**
   * Sends the parts one behind the other, without the codec, and offers them to the kernel now: together
   * with what was pending they leave in one call, up to 1 MiB (64 KiB on the driver `node`). Nothing of
   * them is taken when one is no bytes. As `writeNoCodec` otherwise.
   * @throws ErrInvalidReply for what is no list of bytes; ErrUnsupportedOp for UDP.
   */
  writev(parts: readonly Bytes[]): boolean;
  /**
   * As `asyncWrite` of the parts in one piece: one frame of the codec, without making that piece first
   * where the codec leaves bytes as they are. They leave with everything else of the turn.
   * @throws as `writev`, and the codec's error.
   */
  asyncWritev(parts: readonly Bytes[]): boolean;
  /**
   * UDP: one datagram to the sender of this one, or to the peer of a session. False: it was not taken,
   * `onError` of a session says why. Elsewhere: throws `ErrUnsupportedOp`.
   */
  sendTo(data: Bytes): boolean;

  /**
   * UDP: as `sendTo` for each, in as few calls of the kernel as can be; how many were taken. Elsewhere:
   * throws `ErrUnsupportedOp`.
   */
  sendAll(datagrams: readonly Bytes[]): number;
  /**
   * UDP: TOS, or the traffic class, of the datagram, 0 to 255; the low two bits are ECN. -1 elsewhere, or
   * when `udp.receiveTypeOfService` did not ask for it.
   */
  readonly typeOfService: number;
  /**
   * A dialled UDP socket: TOS, or the traffic class, of what it sends from now on, 0 to 255.
   * @throws `ErrInvalidOption`; `ErrUnsupportedOp` elsewhere and on the driver `node`.
   */
  setTypeOfService(value: number): void;

  /** Calls `react(null, c)` once from the loop, soon; not merged with other calls. */
  wake(): void;
  /** No frame is delivered and nothing is read until `resumeRead()`. */
  pauseRead(): void;
  resumeRead(): void;
  /** Sends everything pending, then half-closes; frames still arrive until the peer ends too. */
  end(): void;
  /** Sends everything pending, then closes. Closing twice does nothing. */
  close(): void;
  /**
   * Closes without sending what is pending: a TCP peer sees a reset, so that it does not take what it
   * has for everything. `onClosed` follows soon, without an error. For UDP it does nothing.
   */
  reset(): void;
  /**
   * Gives it up: the kernel is offered what is pending once more, the rest is dropped, and nothing more is
   * delivered. The peer sees the end, not a reset, unless bytes of its own were never read. `onClosed`
   * follows soon, without an error. For UDP it does nothing.
   */
  destroy(): void;
  /** Offers the kernel what is pending now, instead of at the end of the loop's turn. */
  flush(): void;
  /**
   * Keeps a frame that `react` was lent, without a copy: it stays as it is until the function that this
   * returns is called, at whatever time, on this thread. A second call does nothing. What is never
   * released costs the memory of a whole read, 64 KiB; in development mode the log tells of it. To be
   * called while the frame is lent.
   * @throws `ErrUnsupportedOp` for bytes that were lent and have expired.
   */
  retain(frame: Uint8Array): () => void;
  /**
   * Turns a plain connection into one with TLS (STARTTLS): what was written before goes out in clear,
   * and what was received and stands in no frame yet is the handshake. On a connection that was accepted
   * the options are those of a server, on one that was dialled those of a client. Resolves when the
   * handshake is over; then `tls` tells what was agreed on. Until then nothing is delivered, and what is
   * written waits; while bytes in clear are still going out, writes are refused.
   * @throws ErrInvalidOption, ErrUnsupportedOp, ErrTlsUnavailable, with the connection as it was; an
   * `ErrTls…`, `ErrTimeout` or `ErrConnClosed` when the handshake fails, with the connection closed.
   */
  upgradeTls(options: UpgradeOptions): Promise<void>;
  /** Bytes taken from the program that the kernel has not taken yet. */
  outboundBuffered(): number;
  /** True when the peer has ended its side. */
  readonly readEnded: boolean;
  /**
   * Replaces the limits that are given, and counts from now; what is left out or `undefined` stays as
   * it is. For UDP it does nothing.
   * @throws ErrInvalidOption for what `serve` refuses, too; then nothing is replaced.
   */
  setTimeouts(timeouts: Timeouts): void;
  /**
   * Watermarks and half-open of this connection alone, instead of the server's; what is left out or
   * `undefined` stays as it is. For UDP it does nothing.
   * @throws ErrInvalidOption for what `serve` refuses, too; then nothing is replaced.
   */
  setFlow(flow: Flow): void;
  /**
   * Calls `fn` once after `ms` milliseconds, 1 to 2^31-1, as an event of this connection: in its async
   * context, and with what it writes sent together. A throw closes the connection, its close calls the
   * timer off, and so does what this returns. It may be late by 8 ms, by half a second after 4 seconds
   * and more. Thousands cost next to nothing.
   * @throws ErrInvalidOption for other times; ErrUnsupportedOp for UDP.
   */
  setTimer(ms: number, fn: () => void): () => void;
  /** True sends small writes at once; false lets the kernel gather them. Elsewhere than on TCP, nothing. */
  setNoDelay(on: boolean): void;
  /**
   * Whether TCP probes a peer that is silent, and how. Elsewhere than on TCP it does nothing; the driver
   * `node` knows `idle` alone.
   * @throws ErrInvalidOption for times that the kernel does not take.
   */
  setKeepAlive(on: boolean, times?: KeepAliveTimes): void;
  /**
   * How `close()`, `Action.Close` and a stop end the connection. 0: at once, by a reset, and what is
   * pending is dropped. Above 0: as without it, and `closeTimeout` is that many seconds, up to 65,535.
   * Below 0: as the server has it. It never blocks the loop.
   * @throws ErrInvalidOption for what is no whole number; ErrUnsupportedOp for UDP.
   */
  setLinger(seconds: number): void;
  /**
   * Bytes of SO_RCVBUF, 1 to 2^31-1, of which the kernel takes twice as many, within its own limits.
   * @throws ErrInvalidOption; ErrUnsupportedOp for UDP, and on the driver `node`.
   */
  setReadBuffer(bytes: number): void;
  /** Bytes of SO_SNDBUF; as `setReadBuffer`. */
  setWriteBuffer(bytes: number): void;
  /**
   * Milliseconds, 0 to 2^31-1, after which TCP gives up a peer that acknowledges nothing of what was
   * sent: `onClosed` has `ETIMEDOUT` then. 0 leaves it to the system (TCP_USER_TIMEOUT).
   * @throws ErrInvalidOption; ErrUnsupportedOp elsewhere than on TCP, and on the driver `node`.
   */
  setUserTimeout(ms: number): void;
  /**
   * True acknowledges what comes at once; false lets acknowledgements wait for an answer to go with. The
   * kernel changes its mind by itself later: set it anew where it matters (TCP_QUICKACK).
   * @throws ErrUnsupportedOp elsewhere than on TCP, and on the driver `node`.
   */
  setQuickAck(on: boolean): void;
  /**
   * What TCP knows of the connection now, by a call of the kernel; undefined elsewhere than on TCP, on the
   * driver `node`, and after the close.
   */
  tcpInfo(): TcpInfo | undefined;
  /**
   * A close-on-exec duplicate of the descriptor, which the caller must close. The connection is not gone
   * for its peer while there is one: our side ends with `close()`, and goes on after `destroy()`.
   * @throws a `GnetError`: EMFILE; ErrConnClosed after the close; ErrUnsupportedOp for UDP, and on the
   * driver `node`.
   */
  dup(): number;
  /**
   * Sends `data`, at least one byte, as `asyncWrite` does, and 1 to 253 descriptors with it, over a Unix
   * socket: the peer has duplicates of them when it has the first byte. They are duplicated at the call, so
   * the caller may close its own at once. What is written before and after stays in its order.
   * @throws ErrInvalidOption for what are no descriptors, and without bytes; EBADF, EMFILE;
   * ErrUnsupportedOp on the driver `node`, on other sockets, and where a layer such as TLS stands between.
   */
  sendDescriptor(descriptor: number | readonly number[], data: Bytes): boolean;
  /**
   * The next descriptor that has come over this Unix connection, in the order in which they were sent; -1
   * for none. Those that were sent with a frame are there when `react` gets the frame. It is the caller's,
   * close-on-exec; those that nobody takes are closed with the connection. Needs the option
   * `receiveDescriptors`.
   * @throws ErrUnsupportedOp for UDP, and on the driver `node`.
   */
  receiveDescriptor(): number;

  /**
   * Another codec from now on, in both directions: bytes that were received and not consumed yet are
   * its first, also those behind the frame that `react` is just handling; an answer returned after
   * this is encoded by it. `codecState` begins anew. After the close it does nothing.
   * @throws `ErrInvalidOption` when it is no codec, `ErrUnsupportedOp` for UDP.
   */
  setCodec<Frame = Buffer>(codec: ICodec<Frame>): void;
  /**
   * A handler of its own for this connection, from its next event on, in the async context of before;
   * `onOpened` is not called again. Events that are not the connection's (`tick`, `onInitComplete`,
   * `onShutdown`) stay with the server's handler. After the close it does nothing.
   * @throws `ErrInvalidOption` when it is no handler, `ErrUnsupportedOp` for UDP.
   */
  setHandler<Frame = Buffer, Own = Context>(handler: EventHandler<Frame, Own>): void;
}

/** What an event may answer: bytes, an action, both, or nothing. */
export type Reply =
  | Bytes
  | Action
  | readonly [Bytes | null | undefined, Action]
  | null
  | undefined
  | void;

/** What `tick` may answer: the next delay in ms (at least 1; nothing means 1,000), or with an action. */
export type TickReply = number | readonly [number, Action] | null | undefined | void;

/**
 * The program's side: every method is optional. `onInitComplete` and `onShutdown` run once, on the
 * main thread's handler; `tick` runs in every loop; all others in the loop that owns the connection,
 * one at a time.
 *
 * Any event may return a promise; that it is rejected counts as a throw of that event. `serve` waits
 * for that of `onInitComplete`, and the end of the server for that of `onShutdown`. While that of
 * `onOpened`, `react`, `onEnd` or `signalClose` is open, later frames of the connection and its close
 * wait. Nothing waits for those of `onClosed`, `preWrite` and `onDrain`.
 *
 * `Frame` is what the codec cuts the stream into, `Context` the type of `c.context`.
 *
 * Events see the `AsyncLocalStorage` of whoever called `serve`, or `dial` for a connection of a
 * client: never what another event has left.
 */
export interface EventHandler<Frame = Buffer, Context = unknown> {
  /** The server listens on all addresses; no connection has been accepted yet. */
  onInitComplete?(server: Server): Action | void | Promise<Action | void>;
  /** Everything is closed; comes after every `onClosed`. */
  onShutdown?(server: Server): void | Promise<void>;
  /** A connection is open. Bytes returned are sent as they are: no codec, no `preWrite`. */
  onOpened?(c: Conn<Context>): Reply | Promise<Reply>;
  /** The connection is gone; `err` is why, or undefined for EOF, `close()`, actions and `stop`. */
  onClosed?(c: Conn<Context>, err?: Error): Action | void | Promise<Action | void>;
  /** Just before bytes are handed to the kernel. */
  preWrite?(c: Conn<Context>): void | Promise<void>;
  /**
   * One frame, or null after `c.wake()`. The frame is lent until this returns, or until the promise
   * it returned settles; later frames of this connection wait for that.
   */
  react?(frame: Frame | null, c: Conn<Context>): Reply | Promise<Reply>;
  /** Pending output fell to `lowWaterMark` after a write had returned false. Once per crossing. */
  onDrain?(c: Conn<Context>): void | Promise<void>;
  /** The peer has ended its side; everything it sent has been delivered. */
  onEnd?(c: Conn<Context>): void | Promise<void>;
  /**
   * UDP: a datagram of a dialled socket or a session did not reach its peer: nobody listens there
   * (`ECONNREFUSED`, dialled sockets only), it is too long for the way (`EMSGSIZE`), ... It stays open.
   */
  onError?(c: Conn<Context>, err: Error): void | Promise<void>;
  /** With `ticker`: runs first right after start. Never after `onShutdown`. */
  tick?(): TickReply | Promise<TickReply>;
  /** The server is stopping: say goodbye. Once per open connection. */
  signalClose?(c: Conn<Context>): void | Promise<void>;
}

/** How `register` calls an address, or takes a socket over. */
export interface RegisterOptions {
  /** A handler for this connection alone, `onOpened` included. */
  readonly handler?: EventHandler<never>;
  /** `c.context` of the connection, there before `onOpened`. */
  readonly context?: unknown;
  /** Milliseconds for name look-up and all attempts; then `ErrTimeout`. 0, the default, is off. */
  readonly timeout?: number;
  /** Aborting it gives up. */
  readonly signal?: AbortSignal;
}

/**
 * One event loop. What it does is done on its own thread: where `isHere` is false, everything but `index`
 * and `shared` throws (or rejects with) `ErrUnsupportedOp`, since functions cannot go to other threads.
 * After the end of its server it is `ErrServerInShutdown`.
 */
export interface LoopView {
  /** From 0 on. */
  readonly index: number;
  /** It runs on this thread. */
  readonly isHere: boolean;
  /** The option `shared` of its server. */
  readonly shared: unknown;
  /**
   * Calls `fn` once, from the loop, soon: not before this call returns. A throw, or a promise that is
   * rejected, is written to the log.
   * @throws ErrInvalidOption when it is no function.
   */
  execute(fn: () => unknown): void;
  /**
   * Calls `fn` once after `ms` milliseconds, 1 to 2^31-1, never early; as `setTimer` of a connection it
   * may be late. The end of the server calls it off, and so does what this returns.
   * @throws ErrInvalidOption
   */
  schedule(ms: number, fn: () => unknown): () => void;
  /**
   * A connection of this loop: one that it dials (`tcp://…`, `unix://…`), or a connected stream socket that
   * was opened elsewhere, by its descriptor, which belongs to the loop from then on, or as the `net.Socket`
   * that it is: see `fromSocket` of `gnet/stream`. Resolves after `onOpened`. What is dialled is plain; what
   * is taken over is as if it had been accepted.
   * @throws as `dial` of a client, and as `adopt` of a server.
   */
  register(target: string | number | Socket, options?: RegisterOptions): Promise<Conn>;
  /** Its open connections, as they are now. */
  connections(): IterableIterator<Conn>;
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
  /** The loops, in the order of their numbers; those of other threads can be told apart by `isHere`. */
  readonly loops: readonly LoopView[];
  /** The option `shared` of the main thread's call of `serve`. */
  readonly shared: unknown;
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
   * UDP: joins a multicast group (`239.1.2.3`, `ff15::1`) with every address of this server that carries
   * its family; with several loops the first one hears it, so that a datagram is one call of `react`.
   * Joining again does nothing. On the main thread.
   * @throws ErrInvalidNetworkAddress for what is no group; ErrInvalidOption; ErrUnsupportedOp when there is
   * no address for it; SyscallError; ErrServerInShutdown.
   */
  joinGroup(group: string, options?: GroupOptions): Promise<void>;
  /** The reverse, with the same arguments. @throws as `joinGroup`; `EADDRNOTAVAIL` for no member. */
  leaveGroup(group: string, options?: GroupOptions): Promise<void>;
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
