/** What a program may set for a server. `docs/options.md` lists the same with examples. */
import type { CodecOption } from '../codec/codec.ts';
import type { LogLevel, LogLevelName } from '../logging/log-level.ts';
import type { ProxyProtocolSettings } from '../connection/proxy-protocol/settings.ts';
import type { UdpOptions, UdpSessionSettings, UdpSessionsOption } from './udp-options.ts';
import type { TlsClientOptions, TlsServerOptions } from '../tls/options/types.ts';
import type { LoggerOption } from '../logging/logger.ts';
import type { GracefulOptions, GracefulSettings } from './restart/settings.ts';

/** Values of the option `tcpNoDelay` as the source framework names them. */
export const TCPSocketOpt = {
  /** Send at once: Nagle's algorithm is off. */
  TCPNoDelay: 0,
  /** Gather small writes: Nagle's algorithm is on. */
  TCPDelay: 1,
} as const;

export type TCPSocketOpt = (typeof TCPSocketOpt)[keyof typeof TCPSocketOpt];

/** How the acceptor picks the loop of a new connection. */
export const LoadBalancing = {
  /** One after the other. */
  RoundRobin: 0,
  /** The one with the fewest connections. */
  LeastConnections: 1,
  /** By a hash of the peer's address, so that a peer always meets the same loop. */
  SourceAddrHash: 2,
} as const;

export type LoadBalancing = (typeof LoadBalancing)[keyof typeof LoadBalancing];

/** Which backend talks to the kernel; `auto` takes the best one that works here. */
export type DriverOption = 'auto' | 'io_uring' | 'epoll' | 'kqueue' | 'node';

/**
 * What happens above the high watermark: stop reading that connection, close it, or nothing: then the
 * program pauses where its bytes come from.
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

/**
 * Every option may be left out; one that is `undefined` counts as left out.
 */
export interface Options<Frame = Buffer> {
  /**
   * Runs as many loops as this process may use CPUs; see docs/threads.md.
   *
   * Boolean. Default: `false`.
   */
  readonly multicore?: boolean;
  /**
   * Runs that many loops, up to 4,096; above 0 it wins over `multicore`, and 0 leaves it to that.
   *
   * Whole number. Default: 0.
   */
  readonly numEventLoop?: number;
  /**
   * Another name of `numEventLoop`; when both are given they must be equal.
   *
   * Whole number. Default: 0.
   */
  readonly loopNum?: number;
  /**
   * How new connections spread over the loops; with `reusePort` the kernel decides.
   *
   * `LoadBalancing.RoundRobin`, `.LeastConnections`, `.SourceAddrHash`. Default: `RoundRobin`.
   */
  readonly loadBalancing?: LoadBalancing;
  /**
   * A value for every loop, as `c.loop.shared` and `server.shared`. Other threads get a copy, as
   * `postMessage` makes one, in which a `SharedArrayBuffer` is the same memory. What the main thread
   * gave counts; see docs/threads.md#what-loops-share.
   *
   * What `postMessage` can send. Default: none.
   */
  readonly shared?: unknown;
  /**
   * Keeps the thread of each loop on one CPU, where there are several loops; a warning says so where
   * that cannot be done (no FFI).
   *
   * Boolean. Default: `false`.
   */
  readonly lockOSThread?: boolean;
  /**
   * One read takes at most that much: it is also the longest datagram, and the longest frame of the
   * built-in codec. Rounded up to a power of two, at least 2; 0 or less means the default.
   *
   * Bytes, up to 2^30. Default: 65,536.
   */
  readonly readBufferCap?: number;
  /**
   * The size of one piece of pending output, so a slow reader costs at least that much. Rounded up
   * to a power of two, at least 4,096; 0 or less means the default.
   *
   * Bytes, up to 2^24. Default: 65,536.
   */
  readonly writeBufferCap?: number;
  /**
   * `SO_REUSEPORT`: each loop listens by itself, and servers that all set it share a port.
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
   * TCP probes a peer that was silent for that long, and again after as long; rounded up to whole
   * seconds.
   *
   * Milliseconds, up to 32,767,000. Default: 0 (off).
   */
  readonly tcpKeepAlive?: number;
  /**
   * The time between the probes, where `tcpKeepAlive` is on; rounded up to whole seconds.
   *
   * Milliseconds, up to 32,767,000. Default: 0 (as `tcpKeepAlive`).
   */
  readonly tcpKeepInterval?: number;
  /**
   * A peer that leaves that many probes of `tcpKeepAlive` without an answer is dead.
   *
   * 0 to 127. Default: 0 (the system's).
   */
  readonly tcpKeepCount?: number;
  /**
   * IP sockets hear and call over that interface alone (`SO_BINDTODEVICE`); the driver `node`
   * refuses it.
   *
   * A name, such as `'eth0'`. Default: every interface.
   */
  readonly bindToDevice?: string;
  /**
   * The kernel keeps a connection that has sent nothing for that long (`TCP_DEFER_ACCEPT`), instead
   * of giving it to a loop; rounded up to whole seconds. Not for protocols in which the server
   * speaks first.
   *
   * Milliseconds, up to 32,767,000. Default: 0 (off).
   */
  readonly deferAccept?: number;
  /**
   * How many clients the kernel takes whose first packet brings bytes and whose handshake is not
   * over (`TCP_FASTOPEN`).
   *
   * 0 to 65,535. Default: 0 (off).
   */
  readonly fastOpen?: number;
  /**
   * The algorithm by which TCP avoids congestion.
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
   * Small writes leave at once; otherwise TCP gathers them.
   *
   * Boolean, `TCPSocketOpt.TCPNoDelay`, `.TCPDelay`. Default: `true`.
   */
  readonly tcpNoDelay?: boolean | TCPSocketOpt;
  /**
   * `SO_RCVBUF`; the kernel may take less.
   *
   * Bytes, 0 to 2^31-1. Default: 0 (the system's).
   */
  readonly socketRecvBuffer?: number;
  /**
   * `SO_SNDBUF`; the kernel may take less.
   *
   * Bytes, 0 to 2^31-1. Default: 0 (the system's).
   */
  readonly socketSendBuffer?: number;
  /**
   * Cuts bytes into frames; never used for datagrams.
   *
   * A codec, or a function that makes one per connection. Default: what was read is the frame.
   */
  readonly codec?: CodecOption<Frame>;
  /**
   * The default logger writes to that file, and makes missing directories. At 100 MB the file is put
   * aside as `.1`, `.2`, `.3`, which stay for at most 28 days. Others cannot read it (mode 0640,
   * less your umask); a symbolic link in its place is refused.
   *
   * A path. Default: `GNET_LOGGING_FILE`, else standard error.
   */
  readonly logPath?: string;
  /**
   * The default logger writes lines of that level and above.
   *
   * `'debug'`, `'info'`, `'warn'`, `'error'`, `'fatal'`, `'silent'`, or -1 (debug) to 5 (fatal).
   * Default: `GNET_LOGGING_LEVEL`, else `'warn'`, with a file `'info'`.
   */
  readonly logLevel?: LogLevel;
  /**
   * Takes the place of the default logger; `logPath`, `logLevel` and the two variables then have no
   * effect.
   *
   * A pino logger, or an object with `debug`, `info`, `warn`, `error` and, if it likes, `fatal`.
   * Default: the default logger.
   */
  readonly logger?: LoggerOption;
  /**
   * Every stream connection speaks TLS, over `tcp://` and `unix://` too; files or their contents, by
   * the names of `node:tls`; see docs/tls.md.
   *
   * `{ key, cert, … }`. Default: none.
   */
  readonly tls?: TlsServerOptions;
  /**
   * A signal, `SIGUSR2` or the one that is named, restarts the program without losing a connection,
   * and `SIGTERM` stops its server in order; see docs/restart.md.
   *
   * Boolean, or `{ signal, readyTimeout, drainTimeout }`. Default: `false`.
   */
  readonly graceful?: boolean | GracefulOptions;
  /**
   * A file with the number of the process that serves, for `signalServer` and other programs. It is
   * there from the start of the server to its end; see docs/restart.md#the-pid-file.
   *
   * A path. Default: none.
   */
  readonly pidName?: string;
  /**
   * A connection closes with `ErrTimeout` when its peer takes nothing of the pending output for that
   * long.
   *
   * Milliseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly writeTimeout?: number;
  /**
   * `serve` settles at shutdown instead of at start.
   *
   * Boolean. Default: `false`.
   */
  readonly block?: boolean;

  /**
   * What talks to the kernel; `auto` takes what the environment's `GNET_DRIVER` names, or the best
   * one that works here; see docs/drivers.md.
   *
   * `'auto'`, `'io_uring'`, `'epoll'`, `'node'`; *later* `'kqueue'`. Default: `'auto'`.
   */
  readonly driver?: DriverOption;
  /**
   * Connections that the kernel keeps until a loop accepts them.
   *
   * 1 to 65,535. Default: `net.core.somaxconn`, at most 65,535.
   */
  readonly backlog?: number;
  /**
   * Open stream connections of each loop; at the limit the rest wait in the backlog.
   *
   * From 1, or `Infinity`. Default: `Infinity`.
   */
  readonly maxConnections?: number;
  /**
   * A connection closes with `ErrTimeout` after that long without a byte either way; a slow reader
   * that still takes bytes is not idle.
   *
   * Milliseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly idleTimeout?: number;
  /**
   * A connection closes with `ErrTimeout` when its peer sends nothing for that long while the
   * connection reads.
   *
   * Milliseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly readTimeout?: number;
  /**
   * A closing connection waits that long for a peer that takes nothing of what is left, and then for
   * its end; 0 waits for ever.
   *
   * Milliseconds, 0 to 2^31-1. Default: 5,000.
   */
  readonly closeTimeout?: number;
  /**
   * What the sockets of datagrams are asked for, of a client, too: multicast, fragmentation, type of
   * service, offload; see docs/udp.md.
   *
   * `{ multicastInterface, multicastLoop, multicastTtl, dontFragment, typeOfService,
   * receiveTypeOfService, segmentation, coalescing }`. Default: none.
   */
  readonly udp?: UdpOptions;
  /**
   * Each UDP peer has a session, with `onOpened`, `onClosed` and a `context` of its own, until
   * nothing has come or gone for `idleTimeout` ms (60,000). Each loop has at most `max` of them
   * (65,536) and drops and counts what others send; see docs/udp.md#sessions.
   *
   * Boolean, `{ idleTimeout, max }`. Default: `false`.
   */
  readonly udpSessions?: UdpSessionsOption;
  /**
   * A connection may take that long for its PROXY header, and as long for the handshake of TLS,
   * before `onOpened`; 0 is off.
   *
   * Milliseconds, 0 to 2^31-1. Default: 10,000.
   */
  readonly handshakeTimeout?: number;
  /**
   * Each stream connection begins with the header of a proxy in front (PROXY protocol, version 1 or
   * 2), which names its client. `'required'` refuses a connection without one, `'optional'` takes
   * both. Whoever can connect can claim any address: name the proxies in `trusted`; see
   * docs/proxy-protocol.md.
   *
   * `'required'`, `'optional'`, `{ mode, trusted }`. Default: none.
   */
  readonly proxyProtocol?: ProxyProtocolOption;
  /**
   * A connection whose peer has ended its side stays open until the handler closes it.
   *
   * Boolean. Default: `false`.
   */
  readonly allowHalfOpen?: boolean;
  /**
   * A write returns false while more output than that is pending.
   *
   * Bytes. Default: 1,048,576.
   */
  readonly highWaterMark?: number;
  /**
   * `onDrain` follows when the pending output has fallen to that.
   *
   * Bytes. Default: 262,144, at most a quarter of `highWaterMark`.
   */
  readonly lowWaterMark?: number;
  /**
   * A connection with more pending output closes with `ErrOutboundOverflow`.
   *
   * Bytes. Default: 67,108,864.
   */
  readonly maxOutboundBytes?: number;
  /**
   * A connection that keeps more received bytes closes with `ErrInboundOverflow`; at least
   * `readBufferCap`.
   *
   * Bytes. Default: 16,777,216, or `readBufferCap` where that is more.
   */
  readonly maxInboundBytes?: number;
  /**
   * What happens above `highWaterMark`: the connection stops reading, it closes, or nothing, which
   * leaves it to the program.
   *
   * `'pause'`, `'close'`, `'none'`. Default: `'pause'`.
   */
  readonly overflow?: OverflowPolicy;
  /**
   * A longer frame closes the connection with `ErrFrameTooLong`; at most `maxInboundBytes`.
   *
   * Bytes, or `Infinity`. Default: `Infinity`.
   */
  readonly maxFrameLength?: number;
  /**
   * A loop with nothing to do looks for events that long before it sleeps: answers come sooner, and
   * a core is busy meanwhile. The driver `node` cannot, and ignores it; see
   * docs/drivers.md#busy-polling.
   *
   * Microseconds, 0 to 2^31-1. Default: 0 (off).
   */
  readonly busyPoll?: number;
  /**
   * Aborting it stops the server, or ends a `serve` that is still starting.
   *
   * An `AbortSignal`. Default: none.
   */
  readonly signal?: AbortSignal;
}

/** Every option checked, with its default, in the units that the rooms below take. */
export interface ResolvedOptions {
  /** As given. */
  readonly multicore: boolean;
  /** The real number, at least 1. */
  readonly numEventLoop: number;
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
  /** These three go to `createLogger`. */
  readonly logPath: string | undefined;
  readonly logLevel: LogLevelName | undefined;
  readonly logger: LoggerOption | undefined;
  /** Undefined: no signal restarts the program. */
  readonly graceful: GracefulSettings | undefined;
  readonly pidName: string | undefined;
  readonly writeTimeout: number;
  readonly block: boolean;
  readonly driver: DriverOption;
  readonly backlog: number;
  /** A count, or Infinity. */
  readonly maxConnections: number;
  readonly idleTimeout: number;
  readonly readTimeout: number;
  readonly closeTimeout: number;
  readonly handshakeTimeout: number;
  readonly proxyProtocol: ProxyProtocolSettings | undefined;
  readonly udp: UdpOptions | undefined;
  /** Undefined: each datagram stands alone. */
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
  readonly signal: AbortSignal | undefined;
}
