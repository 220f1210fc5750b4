/** What a program may set for a server. `docs/options.md` lists the same with examples. */
import type { CodecOption } from '../codec/codec.ts';
import type { LogLevel, LogLevelName } from '../logging/log-level.ts';
import type { ProxyProtocolSettings } from '../connection/proxy-protocol/settings.ts';
import type { UdpSessionSettings, UdpSessionsOption } from './udp-options.ts';
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
  /** As many event loops as this process may use CPUs. Default false. */
  readonly multicore?: boolean;
  /**
   * Number of event loops; above 0 it wins over `multicore`, otherwise it is ignored. Default 0.
   */
  readonly numEventLoop?: number;
  /** Another name of `numEventLoop`; when both are given they must be equal. */
  readonly loopNum?: number;
  /** How connections are spread over the loops. Default `LoadBalancing.RoundRobin`. */
  readonly loadBalancing?: LoadBalancing;
  /**
   * A value for every loop: `c.loop.shared`, `server.shared`. Other threads get a copy, as `postMessage`
   * makes one, in which a `SharedArrayBuffer` is the same memory; what the main thread gave counts.
   * Default `undefined` (ours).
   */
  readonly shared?: unknown;
  /** Keeps the thread of each loop on one CPU, where there are several loops. Default false. */
  readonly lockOSThread?: boolean;
  /**
   * Bytes that one read takes at most, which is also the longest datagram and the longest frame of
   * the built-in codec. Rounded up to a power of two from 2 to 2^30; 0 or less means the default,
   * 65,536.
   */
  readonly readBufferCap?: number;
  /**
   * Bytes of one piece of what a connection has pending, which is what it holds at least then. Rounded up
   * to a power of two from 4,096 to 2^24; 0 or less means the default, 65,536.
   */
  readonly writeBufferCap?: number;
  /**
   * SO_REUSEPORT: each loop listens by itself, and servers that all set it share a port. Default
   * false.
   */
  readonly reusePort?: boolean;
  /** Calls `tick`. Default false. */
  readonly ticker?: boolean;
  /**
   * Milliseconds without traffic until TCP probes a peer, and between probes. Rounded up to whole
   * seconds, of which the kernel takes 1 to 32,767; 0 is off. Default 0.
   */
  readonly tcpKeepAlive?: number;
  /**
   * Milliseconds between the probes of `tcpKeepAlive`, which must be on; rounded up to whole seconds, of
   * which the kernel takes 1 to 32,767. 0, the default: as `tcpKeepAlive`.
   */
  readonly tcpKeepInterval?: number;
  /**
   * Probes of `tcpKeepAlive` without an answer after which a peer is dead, 1 to 127; 0, the default,
   * leaves the system's.
   */
  readonly tcpKeepCount?: number;
  /**
   * The name of an interface, such as `eth0`: IP sockets hear and call over it alone (SO_BINDTODEVICE).
   * Default: any.
   */
  readonly bindToDevice?: string;
  /**
   * Milliseconds that the kernel may keep a connection that has sent nothing yet, instead of giving it to
   * a loop (TCP_DEFER_ACCEPT); rounded up to whole seconds, up to 32,767. Not for protocols in which the
   * server speaks first. 0, the default, is off.
   */
  readonly deferAccept?: number;
  /**
   * Clients that sent bytes together with their first packet, and whose handshake is not over, that the
   * kernel takes (TCP_FASTOPEN), up to 65,535. 0, the default, is off.
   */
  readonly fastOpen?: number;
  /** The name of the algorithm of TCP against congestion, such as `bbr`. Default: the system's. */
  readonly congestion?: string;
  /** True or `TCPSocketOpt.TCPNoDelay` sends small writes at once. Default true. */
  readonly tcpNoDelay?: boolean | TCPSocketOpt;
  /**
   * Bytes of SO_RCVBUF, 0 to 2^31-1; 0 leaves the system's. The kernel may take less. Default 0.
   */
  readonly socketRecvBuffer?: number;
  /**
   * Bytes of SO_SNDBUF, 0 to 2^31-1; 0 leaves the system's. The kernel may take less. Default 0.
   */
  readonly socketSendBuffer?: number;
  /** Cuts bytes into frames; never used for datagrams. Default: what was read is the frame. */
  readonly codec?: CodecOption<Frame>;
  /**
   * A file for the default logger, put aside at 100 MB; 3 are kept for 28 days. Default: standard
   * error.
   */
  readonly logPath?: string;
  /** From which level on the default logger writes. Default `warn`, with `logPath` `info`. */
  readonly logLevel?: LogLevel;
  /** Takes the place of the default logger; then `logPath` and `logLevel` have no effect. */
  readonly logger?: LoggerOption;
  /**
   * TLS for every stream connection, `tcp://` and `unix://` included: at least `key` and `cert`, with the
   * names of `node:tls`. Files or their contents. Default: none.
   */
  readonly tls?: TlsServerOptions;
  /**
   * A signal, `SIGUSR2`, restarts the program without losing a connection, and `SIGTERM` stops its server
   * in order. Default false.
   */
  readonly graceful?: boolean | GracefulOptions;
  /**
   * A file with the number of the process that serves, for `signalServer` and other programs. It is
   * written when the server listens, and removed at its end. Default: none.
   */
  readonly pidName?: string;
  /**
   * Milliseconds that pending output may make no progress before the connection is closed with
   * `ErrTimeout`, 0 to 2^31-1; 0 is off. Default 0.
   */
  readonly writeTimeout?: number;
  /** `serve` settles at shutdown instead of at start. Default false. */
  readonly block?: boolean;

  /** Default `auto` (ours). */
  readonly driver?: DriverOption;
  /**
   * Connections that the kernel keeps until they are accepted, 1 to 65,535. Default: the system's
   * limit.
   */
  readonly backlog?: number;
  /**
   * Open stream connections of each loop, from 1 on; at the limit the rest wait in the backlog.
   * Default Infinity (ours).
   */
  readonly maxConnections?: number;
  /**
   * Milliseconds without a byte either way before the connection is closed with `ErrTimeout`,
   * 0 to 2^31-1; 0 is off. Default 0 (ours).
   */
  readonly idleTimeout?: number;
  /**
   * Milliseconds without a byte of the peer, while the connection reads, before the connection is
   * closed with `ErrTimeout`, 0 to 2^31-1; 0 is off. Default 0 (ours).
   */
  readonly readTimeout?: number;
  /**
   * Milliseconds that a closing connection waits for a peer that takes nothing of what is left to
   * send, and then for its end, 0 to 2^31-1; 0 waits for ever. Default 5,000 (ours).
   */
  readonly closeTimeout?: number;
  /**
   * UDP: a session for each peer, with `onOpened`, `onClosed` and a `context` of its own, until nothing
   * has come or gone for `idleTimeout` milliseconds, 1 to 2^31-1 (60,000 by default). At most `max` of
   * them in each loop (65,536 by default): what others send then is dropped and counted. True: the
   * defaults. Default: each datagram stands alone (ours).
   */
  readonly udpSessions?: UdpSessionsOption;
  /**
   * Milliseconds that a connection may take before `onOpened`, for its PROXY header and for the handshake
   * of TLS, each: 0 to 2^31-1; 0 is
   * off. Default 10,000 (ours).
   */
  readonly handshakeTimeout?: number;
  /**
   * Stream connections begin with the header of a proxy in front (HAProxy's PROXY protocol, version 1
   * or 2), which tells the addresses of its client. `required` refuses a connection without one,
   * `optional` takes both. Whoever can connect can claim any address: name the proxies in `trusted`.
   * Default: no header is looked for (ours).
   */
  readonly proxyProtocol?: ProxyProtocolOption;
  /** A half-closed connection stays open until the handler closes it. Default false (ours). */
  readonly allowHalfOpen?: boolean;
  /**
   * Pending output bytes from which on a write returns false. Default 1,048,576, or nearer to the
   * neighbours given: `lowWaterMark` <= `highWaterMark` <= `maxOutboundBytes` (ours).
   */
  readonly highWaterMark?: number;
  /**
   * Pending output bytes at which `onDrain` follows. Default 262,144, at most a quarter of
   * `highWaterMark` (ours).
   */
  readonly lowWaterMark?: number;
  /**
   * Pending output bytes above which the connection is closed with `ErrOutboundOverflow`. Default
   * 67,108,864 (ours).
   */
  readonly maxOutboundBytes?: number;
  /**
   * Received bytes kept for one connection before it is closed with `ErrInboundOverflow`; at least
   * `readBufferCap`. Default 16,777,216, or `readBufferCap` where that is more (ours).
   */
  readonly maxInboundBytes?: number;
  /**
   * Above `highWaterMark`: `pause` stops reading that connection, `close` closes it, `none` leaves it
   * to the program, up to `maxOutboundBytes`. Default `pause` (ours).
   */
  readonly overflow?: OverflowPolicy;
  /**
   * Bytes of the longest frame, at most `maxInboundBytes`; a longer one closes the connection with
   * `ErrFrameTooLong`. Default Infinity: only `maxInboundBytes` limits it (ours; section 7).
   */
  readonly maxFrameLength?: number;
  /**
   * Microseconds that a loop with nothing to do looks for events before it sleeps, from 0 on; 0 is
   * off. Answers come sooner, and a core is busy meanwhile. The driver `node` cannot: no effect
   * there. Default 0 (ours).
   */
  readonly busyPoll?: number;
  /** Aborting it stops the server, or `serve` while it is starting (ours). */
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
  /** '': any; the same for the algorithm. */
  readonly bindToDevice: string;
  readonly congestion: string;
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
