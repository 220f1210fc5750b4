/** What a program may set for a server. `docs/options.md` lists the same with examples. */
import type { CodecOption } from '../codec/codec.ts';
import type { GivenDriver } from '../driver/given-driver.ts';
import type { LogLevel, LogLevelName } from '../logging/log-level.ts';
import type { LeakSettings } from '../connection/leaks.ts';
import type { LeakDetectionOption } from './leak-option.ts';
import type { ProxyProtocolSettings } from '../connection/proxy-protocol/settings.ts';
import type { UdpOptions, UdpSessionSettings, UdpSessionsOption } from './udp-options.ts';
import type { TlsClientOptions, TlsServerOptions } from '../tls/options/types.ts';
import type { LoggerOption } from '../logging/logger.ts';
import type { GracefulOptions, GracefulSettings } from './restart/settings.ts';

/** Values of the option `tcpNoDelay`, with the names from gnet for Go. */
export const TCPSocketOpt = {
  /** Send at once: Nagle's algorithm is off. */
  TCPNoDelay: 0,
  /** Gather small writes: Nagle's algorithm is on. */
  TCPDelay: 1,
} as const;

export type TCPSocketOpt = (typeof TCPSocketOpt)[keyof typeof TCPSocketOpt];

/** How the acceptor picks the loop for a new connection. */
export const LoadBalancing = {
  /** Each loop in turn. */
  RoundRobin: 0,
  /** The loop with the fewest connections. */
  LeastConnections: 1,
  /** By a hash of the peer's address, so that a peer always gets the same loop. */
  SourceAddrHash: 2,
} as const;

export type LoadBalancing = (typeof LoadBalancing)[keyof typeof LoadBalancing];

/** The driver that talks to the kernel; `auto` takes the best one that works here. */
export type DriverOption = 'auto' | 'io_uring' | 'epoll' | 'kqueue' | 'node';

/**
 * What happens above the high watermark: `pause` stops reading the connection, `close` closes it,
 * and `none` leaves it to the program to pause the source of its bytes.
 */
export type OverflowPolicy = 'pause' | 'close' | 'none';

/** The short form trusts every peer. */
export type ProxyProtocolOption =
  | 'required'
  | 'optional'
  | {
      readonly mode: 'required' | 'optional';
      /** Addresses and networks that may send a header: `192.0.2.1`, `10.0.0.0/8`, `fd00::/8`. */
      readonly trusted?: readonly string[];
    };

/** Every option is optional; `undefined` is the same as leaving it out. */
export interface Options<Frame = Buffer> {
  /**
   * Runs one loop for each CPU that this process may use, or a single one, with a warning, where
   * several cannot listen (docs/drivers.md); see docs/threads.md.
   *
   * Boolean. Default: `false`.
   */
  readonly multicore?: boolean;
  /**
   * Sets the number of loops, up to 4,096. Above 0 it overrides `multicore`; 0 leaves the choice to
   * `multicore`.
   *
   * Whole number. Default: 0.
   */
  readonly numEventLoop?: number;
  /**
   * Another name for `numEventLoop`; if you give both, they must be equal.
   *
   * Whole number. Default: 0.
   */
  readonly loopNum?: number;
  /**
   * How gnet distributes new connections over the loops; with `reusePort` the kernel decides.
   *
   * `LoadBalancing.RoundRobin`, `.LeastConnections`, `.SourceAddrHash`. Default: `RoundRobin`.
   */
  readonly loadBalancing?: LoadBalancing;
  /**
   * A value for every loop, as `c.loop.shared` and `server.shared`. Other threads get a copy, as
   * `postMessage` makes it; a `SharedArrayBuffer` inside it is the same memory everywhere. gnet
   * uses the value from the main thread; see docs/threads.md#what-loops-share.
   *
   * Anything that `postMessage` can send. Default: none.
   */
  readonly shared?: unknown;
  /**
   * With several loops, keeps the thread of each on one CPU; logs a warning if that is not possible
   * (no FFI).
   *
   * Boolean. Default: `false`.
   */
  readonly lockOSThread?: boolean;
  /**
   * The most bytes that one read takes. This is also the longest datagram, and the longest frame of
   * the built-in codec. Rounded up to a power of two, at least 2; 0 or less means the default.
   *
   * Bytes, up to 2^30. Default: 65,536.
   */
  readonly readBufferCap?: number;
  /**
   * The size of one piece of pending output, and thus the least memory that a slow reader takes.
   * Rounded up to a power of two, at least 4,096; 0 or less means the default.
   *
   * Bytes, up to 2^24. Default: 65,536.
   */
  readonly writeBufferCap?: number;
  /**
   * `SO_REUSEPORT`: each loop has its own listener, and servers that all set it can share a port.
   *
   * Boolean. Default: `false`.
   */
  readonly reusePort?: boolean;
  /**
   * Calls `tick`, first right after the start.
   *
   * Boolean. Default: `false`.
   */
  readonly ticker?: boolean;
  /**
   * How long a peer may be silent before TCP probes it, and the time between probes; rounded up to
   * whole seconds.
   *
   * Milliseconds, up to 32,767,000. Default: 0 (off).
   */
  readonly tcpKeepAlive?: number;
  /**
   * The time between the probes of `tcpKeepAlive`; rounded up to whole seconds.
   *
   * Milliseconds, up to 32,767,000. Default: 0 (as `tcpKeepAlive`).
   */
  readonly tcpKeepInterval?: number;
  /**
   * The number of unanswered `tcpKeepAlive` probes after which TCP declares the peer dead.
   *
   * 0 to 127. Default: 0 (the system's).
   */
  readonly tcpKeepCount?: number;
  /**
   * The only network interface that IP sockets use (`SO_BINDTODEVICE`); the driver `node`
   * refuses it.
   *
   * A name, such as `'eth0'`. Default: every interface.
   */
  readonly bindToDevice?: string;
  /**
   * How long the kernel keeps a connection that has not sent anything (`TCP_DEFER_ACCEPT`), instead
   * of giving it to a loop; rounded up to whole seconds. Not for protocols in which the server
   * speaks first.
   *
   * Milliseconds, up to 32,767,000. Default: 0 (off).
   */
  readonly deferAccept?: number;
  /**
   * How many connections with data in their first packet the kernel keeps before their handshake is
   * complete (`TCP_FASTOPEN`).
   *
   * 0 to 65,535. Default: 0 (off).
   */
  readonly fastOpen?: number;
  /**
   * The congestion control algorithm of TCP.
   *
   * A name, such as `'bbr'`. Default: the system's.
   */
  readonly congestion?: string;
  /**
   * Unix connections keep the descriptors that peers send, for `c.receiveDescriptor()`; the driver
   * `node` refuses it; see docs/descriptors.md.
   *
   * Boolean. Default: `false`.
   */
  readonly receiveDescriptors?: boolean;
  /**
   * Sends small writes at once; otherwise TCP gathers them.
   *
   * Boolean, `TCPSocketOpt.TCPNoDelay`, `.TCPDelay`. Default: `true`.
   */
  readonly tcpNoDelay?: boolean | TCPSocketOpt;
  /**
   * `SO_RCVBUF`; the kernel may use a smaller value.
   *
   * Bytes, 0 to 2^31-1. Default: 0 (the system's).
   */
  readonly socketRecvBuffer?: number;
  /**
   * `SO_SNDBUF`; the kernel may use a smaller value.
   *
   * Bytes, 0 to 2^31-1. Default: 0 (the system's).
   */
  readonly socketSendBuffer?: number;
  /**
   * Cuts bytes into frames; never used for datagrams.
   *
   * A codec, or a function that makes one per connection. Default: each read is one frame.
   */
  readonly codec?: CodecOption<Frame>;
  /**
   * The file that the default logger writes to; the logger creates missing directories. At 100 MB
   * it renames the file to `.1`, and older files to `.2` and `.3`, and keeps these for at most 28
   * days. Other users cannot read the files (mode 0640, less your umask). The logger refuses a
   * symbolic link in place of the file.
   *
   * A path. Default: `GNET_LOGGING_FILE`, else standard error.
   */
  readonly logPath?: string;
  /**
   * The lowest level that the default logger writes.
   *
   * `'debug'`, `'info'`, `'warn'`, `'error'`, `'fatal'`, `'silent'`, or -1 (debug) to 5 (fatal).
   * Default: `GNET_LOGGING_LEVEL`, else `'warn'`, with a file `'info'`.
   */
  readonly logLevel?: LogLevel;
  /**
   * Replaces the default logger; `logPath`, `logLevel` and the two variables then have no
   * effect.
   *
   * A pino logger, or an object with `debug`, `info`, `warn`, `error` and optionally `fatal`.
   * Default: the default logger.
   */
  readonly logger?: LoggerOption;
  /**
   * Turns on TLS for every stream connection, including those of `tcp://` and `unix://`. Options
   * have the names of `node:tls`, and take files or their contents; see docs/tls.md.
   *
   * `{ key, cert, … }`. Default: none.
   */
  readonly tls?: TlsServerOptions;
  /**
   * Makes a signal (`SIGUSR2`, or the one that you name) restart the program without losing a
   * connection, and `SIGTERM` stop the server in order; see docs/restart.md.
   *
   * Boolean, or `{ signal, readyTimeout, drainTimeout }`. Default: `false`.
   */
  readonly graceful?: boolean | GracefulOptions;
  /**
   * A file for the number of the process that serves, for `signalServer` and other programs. It
   * exists from the start of the server to its end; see docs/restart.md#the-pid-file.
   *
   * A path. Default: none.
   */
  readonly pidName?: string;
  /**
   * Closes a connection with `ErrTimeout` when its peer takes none of the pending output for this
   * long.
   *
   * Milliseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly writeTimeout?: number;
  /**
   * Makes `serve` settle at shutdown instead of at start.
   *
   * Boolean. Default: `false`.
   */
  readonly block?: boolean;

  /**
   * The driver that talks to the kernel. `auto` takes the one that the environment variable
   * `GNET_DRIVER` names, or the best one that works here; see docs/drivers.md.
   *
   * `'auto'`, `'io_uring'`, `'epoll'`, `'kqueue'`, `'node'`; the `driver` of a simulation
   * (`gnet/testing`), with one loop. Default: `'auto'`.
   */
  readonly driver?: DriverOption | GivenDriver;
  /**
   * How many connections the kernel keeps until a loop accepts them.
   *
   * 1 to 65,535. Default: `net.core.somaxconn`, at most 65,535.
   */
  readonly backlog?: number;
  /**
   * The most open stream connections of each loop; further connections wait in the backlog.
   *
   * From 1, or `Infinity`. Default: `Infinity`.
   */
  readonly maxConnections?: number;
  /**
   * Closes a connection with `ErrTimeout` after this long without a byte in either direction; a
   * slow reader that still takes bytes is not idle.
   *
   * Milliseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly idleTimeout?: number;
  /**
   * Closes a connection with `ErrTimeout` when its peer sends nothing for this long while the
   * connection reads.
   *
   * Milliseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly readTimeout?: number;
  /**
   * How long a closing connection waits for a peer that takes none of the remaining output, and
   * then for the peer's end; 0 waits for ever.
   *
   * Milliseconds, 0 to 2^31-1. Default: 5,000.
   */
  readonly closeTimeout?: number;
  /**
   * Settings for the UDP sockets of a server or client: multicast, fragmentation, type of
   * service, offload; see docs/udp.md.
   *
   * `{ multicastInterface, multicastLoop, multicastTtl, dontFragment, typeOfService,
   * receiveTypeOfService, segmentation, coalescing }`. Default: none.
   */
  readonly udp?: UdpOptions;
  /**
   * Gives each UDP peer a session with its own `onOpened`, `onClosed` and `context`. A session ends
   * when no datagram has gone either way for `idleTimeout` ms (60,000). Each loop has at most `max`
   * sessions (65,536), and drops and counts the datagrams of further peers; see
   * docs/udp.md#sessions.
   *
   * Boolean, `{ idleTimeout, max }`. Default: `false`.
   */
  readonly udpSessions?: UdpSessionsOption;
  /**
   * How long a connection may take for its PROXY header, and again for its TLS handshake,
   * before `onOpened`; 0 is off.
   *
   * Milliseconds, 0 to 2^31-1. Default: 10,000.
   */
  readonly handshakeTimeout?: number;
  /**
   * Reads the header that a proxy sends at the start of each stream connection to name the client
   * (PROXY protocol, version 1 or 2). `'required'` refuses a connection without a header,
   * `'optional'` accepts both. A peer can claim any address in a header, so name the proxies in
   * `trusted`; see docs/proxy-protocol.md.
   *
   * `'required'`, `'optional'`, `{ mode, trusted }`. Default: none.
   */
  readonly proxyProtocol?: ProxyProtocolOption;
  /**
   * Keeps a connection open after its peer has ended its side, until the handler closes it.
   *
   * Boolean. Default: `false`.
   */
  readonly allowHalfOpen?: boolean;
  /**
   * Writes return false while more output than this is pending.
   *
   * Bytes. Default: 1,048,576.
   */
  readonly highWaterMark?: number;
  /**
   * gnet calls `onDrain` when the pending output has fallen to this.
   *
   * Bytes. Default: 262,144, at most a quarter of `highWaterMark`.
   */
  readonly lowWaterMark?: number;
  /**
   * Closes a connection with more pending output, with `ErrOutboundOverflow`.
   *
   * Bytes. Default: 67,108,864.
   */
  readonly maxOutboundBytes?: number;
  /**
   * Closes a connection that holds more received bytes, with `ErrInboundOverflow`; at least
   * `readBufferCap`.
   *
   * Bytes. Default: 16,777,216, or `readBufferCap` where that is more.
   */
  readonly maxInboundBytes?: number;
  /**
   * What happens above `highWaterMark`: `'pause'` stops reading the connection, `'close'` closes
   * it, `'none'` leaves it to the program.
   *
   * `'pause'`, `'close'`, `'none'`. Default: `'pause'`.
   */
  readonly overflow?: OverflowPolicy;
  /**
   * Closes a connection with a longer frame, with `ErrFrameTooLong`; at most `maxInboundBytes`.
   *
   * Bytes, or `Infinity`. Default: `Infinity`.
   */
  readonly maxFrameLength?: number;
  /**
   * How long an idle loop keeps looking for events before it sleeps. Answers come sooner, but
   * a core is busy meanwhile. The driver `node` ignores this option; see
   * docs/drivers.md#busy-polling.
   *
   * Microseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly busyPoll?: number;
  /**
   * Logs a warning when one call of the handler blocks its loop for longer; see
   * docs/monitoring.md#slow-handlers.
   *
   * ms, 0 to 2^31-1. Default: `GNET_SLOW_HANDLER`, else 200 in development mode and 0 (off) in
   * production.
   */
  readonly slowHandler?: number;
  /**
   * Counts how long turns of the loops, calls of the handler and waits to be accepted take, and how
   * large frames are: see docs/monitoring.md#histograms. It reads the clock twice per call.
   *
   * Boolean. Default: `false`.
   */
  readonly histograms?: boolean;
  /**
   * Logs a warning when the program holds a retained frame, a promise of the handler, a dialled or
   * paused connection or a descriptor for longer than `after` ms (60,000), with the place where it
   * was made. `'sampled'` follows one of 128, `'all'` each; see docs/monitoring.md#leaks.
   *
   * `'off'`, `'sampled'`, `'all'`, `{ level, after }`. Default: `GNET_LEAK_DETECTION`, else `'off'`.
   */
  readonly leakDetection?: LeakDetectionOption;
  /**
   * Stops the server when it aborts, or ends a `serve` that is still starting.
   *
   * An `AbortSignal`. Default: none.
   */
  readonly signal?: AbortSignal;
}

/** Every option, checked and with its default, in the units that the lower rooms use. */
export interface ResolvedOptions {
  /** As given. */
  readonly multicore: boolean;
  /** The real number, at least 1. */
  readonly numEventLoop: number;
  /** The program has named no number. */
  readonly loopsByMulticore: boolean;
  readonly loadBalancing: LoadBalancing;
  readonly lockOSThread: boolean;
  readonly shared: unknown;
  /** Powers of two. */
  readonly readBufferCap: number;
  readonly writeBufferCap: number;
  readonly reusePort: boolean;
  readonly ticker: boolean;
  /** Milliseconds as given. */
  readonly tcpKeepAlive: number;
  /** Seconds for the kernel: `tcpKeepAlive` rounded up; 0 is off. */
  readonly keepAliveSeconds: number;
  readonly tcpKeepInterval: number;
  readonly tcpKeepCount: number;
  /** '': every interface. */
  readonly bindToDevice: string;
  /** '': the algorithm that the system has as its default. */
  readonly congestion: string;
  readonly receiveDescriptors: boolean;
  readonly deferAccept: number;
  readonly fastOpen: number;
  readonly tcpNoDelay: boolean;
  readonly socketRecvBuffer: number;
  readonly socketSendBuffer: number;
  /** Undefined: the built-in codec. */
  readonly codec: CodecOption<unknown> | undefined;
  /** As given; a client's for a client. */
  readonly tls: TlsServerOptions | TlsClientOptions | undefined;
  /** `createLogger` takes these three. */
  readonly logPath: string | undefined;
  readonly logLevel: LogLevelName | undefined;
  readonly logger: LoggerOption | undefined;
  /** Undefined: no signal restarts the program. */
  readonly graceful: GracefulSettings | undefined;
  readonly pidName: string | undefined;
  readonly writeTimeout: number;
  readonly block: boolean;
  readonly driver: DriverOption | GivenDriver;
  readonly backlog: number;
  /** A count, or Infinity. */
  readonly maxConnections: number;
  readonly idleTimeout: number;
  readonly readTimeout: number;
  readonly closeTimeout: number;
  readonly handshakeTimeout: number;
  readonly proxyProtocol: ProxyProtocolSettings | undefined;
  readonly udp: UdpOptions | undefined;
  /** Undefined: no sessions, only single datagrams. */
  readonly udpSessions: UdpSessionSettings | undefined;
  readonly allowHalfOpen: boolean;
  readonly highWaterMark: number;
  readonly lowWaterMark: number;
  readonly maxOutboundBytes: number;
  readonly maxInboundBytes: number;
  readonly overflow: OverflowPolicy;
  /** Bytes, or Infinity. */
  readonly maxFrameLength: number;
  /** Microseconds. */
  readonly busyPoll: number;
  /** 0 is off. */
  readonly slowHandler: number;
  /** Not only the default of development mode: worth a helper thread from the start. */
  readonly slowHandlerAsked: boolean;
  readonly histograms: boolean;
  /** Undefined is off. */
  readonly leakDetection: LeakSettings | undefined;
  readonly signal: AbortSignal | undefined;
}
