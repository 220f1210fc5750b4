/**
 * The seam between the framework and the kernel. One step above readiness, so that completion
 * (io_uring), readiness (epoll, kqueue) and pushed data (`node:net`) can all meet it:
 * listen, connect, receive, send, pause, close, wake, wait.
 *
 * Words: a *slot* is a small number the loop gives to a stream connection; its *generation* goes up
 * each time the slot is used again, so that a late event is recognised. A *descriptor* is a number
 * that names a socket inside the driver: the file descriptor where there is one.
 *
 * Rules every driver keeps, shown by `testing/driver-contract.ts`:
 *  1. Events are reported only from inside `wait`, never from inside another call of the driver.
 *  2. After `closeStream(slot)` nothing is reported for that slot and generation.
 *  3. Bytes are reported in order; `ended` comes after all bytes, once; `failed` is final. A reset is
 *     reported after `ended`, too.
 *  4. What `send` and `flush` take goes out in the order of the calls. At most one of
 *     "everything was taken" and "a `writable` will follow" is true. What the kernel refuses after it
 *     was taken is given back by `refused`: nobody counts it as sent.
 *  5. A paused stream reports no bytes; what arrived is kept, by the kernel if possible. A paused
 *     stream whose peer goes away costs no CPU. It fails after the resume and all bytes, or at once
 *     when something waits to be sent, or is tried: then the bytes are lost.
 *  6. Every descriptor is close-on-exec and closed exactly once.
 *  7. The driver takes a bounded number of connections, datagrams and bytes per stream and wait.
 */
import type { DescriptorLedger } from './descriptor-ledger.ts';
import type { Socket } from 'node:net';
import type { GnetError } from '../base/errors.ts';
import type { InetAddress } from '../base/inet-address.ts';
import type { Slab, SlabPool } from '../buffer/slab.ts';
import type { BoundPath } from './bound-path.ts';
import type { Transport } from './transport.ts';

export type DriverName = 'io_uring' | 'epoll' | 'kqueue' | 'node' | 'simulated';

/**
 * A socket that is bound (and listens, if it is for streams) already: of the process before this one, or
 * of whoever started it. Whoever listens on it owns the descriptor from then on. Plain data.
 */
export interface GivenSocket {
  readonly descriptor: number;
  /** As drivers print it: `127.0.0.1:9000`, `[::1]:9000`, a Unix path. */
  readonly address: string;
  /** Another process holds it too: the driver does not shut it down. */
  readonly shared: boolean;
  /** A path of ours, to be removed at the end. */
  readonly boundPath: BoundPath | null;
  /**
   * Not 0 once a driver has made it its own, and closes it, also where the server fails to start; until
   * then it is the program's. In memory that all threads share: whichever takes it says so here.
   */
  readonly taken?: Int32Array;
}

/** Where to listen or whom to call; host names are resolved before. */
export type Endpoint =
  | {
      readonly kind: 'tcp' | 'udp';
      /** 4 or 6; for 6, `v6Only` says whether IPv4 is kept out. */
      readonly family: 4 | 6;
      readonly v6Only: boolean;
      /** UDP: the socket is connected to that address, instead of bound to it. */
      readonly connects?: boolean;
      /** A literal: `127.0.0.1`, `::1`; `0.0.0.0` and `::` are every address. */
      readonly host: string;
      readonly port: number;
      /** Of a stream that is dialled: our end, of the same family. Port 0: one that is free. */
      readonly from?: { readonly host: string; readonly port: number };
      /** Listen on these instead of opening a socket; a driver is given one at a time. */
      readonly given?: readonly GivenSocket[];
    }
  /** `path` begins with `@` for an abstract name; `@` alone lets the kernel pick one. */
  | { readonly kind: 'unix'; readonly path: string; readonly given?: readonly GivenSocket[] };

export interface SocketOptions {
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly tcpNoDelay: boolean;
  /** Seconds for TCP_KEEPIDLE and TCP_KEEPINTVL; 0 is off. */
  readonly keepAliveSeconds: number;
  /** Bytes for SO_RCVBUF and SO_SNDBUF; 0 leaves the system's. */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** What few ask for; undefined: nothing of it. */
  readonly extras?: SocketExtras | undefined;
  /** The same of datagrams. */
  readonly datagrams?: DatagramExtras | undefined;
}

/** Settings of UDP sockets. A setting that is left out stays as the system has it. */
export interface DatagramExtras {
  /** Name or address of the interface for outgoing multicast. Default: the routing table decides. */
  readonly multicastInterface?: string | undefined;
  /** Programs on this machine also receive what is sent to a group. Default true. */
  readonly multicastLoop?: boolean | undefined;
  /** 1 to 255: how many networks a datagram to a group may reach; 1: only the local one. Default 1. */
  readonly multicastTtl?: number | undefined;
  /** Routers do not fragment: a datagram too long for the path is `EMSGSIZE`. Default false. */
  readonly dontFragment?: boolean | undefined;
  /** TOS or traffic class of outgoing datagrams: 0 to 255; the low two bits are ECN. */
  readonly typeOfService?: number | undefined;
  /** `c.typeOfService` is that of the datagram. Default false. */
  readonly receiveTypeOfService?: boolean | undefined;
  /**
   * Datagrams of one length to one peer go to the kernel as one, and it or the network card splits
   * them (`UDP_SEGMENT`). After one refusal they go one by one. Default false.
   */
  readonly segmentation?: boolean | undefined;
  /**
   * The kernel passes datagrams of one peer up as one, and gnet splits them (`UDP_GRO`).
   * `readBufferCap` must be at least 65,536. Default false.
   */
  readonly coalescing?: boolean | undefined;
}

/** A multicast group, as literals. */
export interface Membership {
  readonly group: string;
  /** What it sends is wanted alone. */
  readonly source?: string | undefined;
  /** The name or an address; undefined leaves it to the routes. */
  readonly interface?: string | undefined;
}

/** 0 and '' leave what the system has. */
export interface SocketExtras {
  /** TCP_KEEPINTVL, where it is not `keepAliveSeconds`; and TCP_KEEPCNT. */
  readonly keepIntervalSeconds: number;
  readonly keepProbes: number;
  /** The name of an interface: SO_BINDTODEVICE. */
  readonly device: string;
  /** Of listeners: TCP_DEFER_ACCEPT. */
  readonly deferAcceptSeconds: number;
  /** Of listeners: handshakes of TCP_FASTOPEN that may be pending. */
  readonly fastOpenPending: number;
  /** TCP_CONGESTION. */
  readonly congestion: string;
  /** Unix streams keep the descriptors that come with their bytes, for `takeDescriptor`. */
  readonly takesDescriptors: boolean;
}

/** Settings of a TCP socket; members that are left out do not change. */
export interface SocketWish {
  readonly noDelay?: boolean;
  readonly keepAlive?: KeepAlive;
}

/** What a program may set of an open socket, and must be told of when it cannot be. */
export type SocketSetting =
  /** Not 0: `close(2)` resets. */
  | 'lingerReset'
  /** Bytes. */
  | 'receiveBuffer'
  | 'sendBuffer'
  /** Milliseconds. TCP alone, like the next. */
  | 'userTimeout'
  /** 0 or 1. */
  | 'quickAck';

/** What TCP knows of a connection. */
export interface TcpInfo {
  /** Milliseconds from sending to the acknowledgement, smoothed; with fractions. */
  readonly rtt: number;
  /** How much that varies, in milliseconds. */
  readonly rttVariance: number;
  /** Segments that were sent again, over its life. */
  readonly retransmits: number;
  /** Segments that were sent and not acknowledged yet. */
  readonly unacked: number;
  /** Of those, segments that are believed to be lost. */
  readonly lost: number;
  /** Segments that may be under way at once. */
  readonly congestionWindow: number;
  /** Bytes of a full segment that is sent. */
  readonly segmentBytes: number;
  /** Segments with data that were sent, again or not. */
  readonly segmentsSent: number;
}

/** How TCP looks for a peer that is silent; 0 leaves a time as it is. */
export interface KeepAlive {
  readonly on: boolean;
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly probes: number;
}

/** The peer of a datagram as the kernel gives it, without a string: see `formatPeer`. */
export type DatagramPeer = InetAddress;

/** A connection that was opened elsewhere, in the terms of `openStream`. */
export interface AdoptedSocket {
  readonly descriptor: number;
  /** Undefined where the driver knows it by the descriptor. */
  readonly peer: DatagramPeer | string | undefined;
  /** The first bytes of the connection, which the previous owner has already read. */
  readonly received?: Uint8Array;
}

/** What a driver tells its loop; all of it from inside `wait`. */
export interface DriverEvents {
  /** A listener has a new connection; the loop opens a stream for it or calls `closeDescriptor`. */
  accepted(listener: number, descriptor: number): void;
  /**
   * Accepting failed for lack of `error.code`. The listener rests: after `restMs` the loop calls
   * `startAccepting`.
   */
  acceptRested(listener: number, error: GnetError, restMs: number): void;
  /**
   * Bytes `start..end` of `slab` were received. They are lent until this returns; who needs them
   * longer calls `pool.retain(slab)`. `slab.floor..start` may be overwritten by the receiver.
   */
  received(slot: number, generation: number, slab: Slab, start: number, end: number): void;
  /** The peer ended its side. The stream can still send. */
  ended(slot: number, generation: number): void;
  /** The stream is broken and will report nothing more; the loop must call `closeStream`. */
  failed(slot: number, generation: number, error: GnetError): void;
  /** Following a `send` or `flush` that left bytes behind: call `flush` again. */
  writable(slot: number, generation: number): void;
  /**
   * The kernel refused bytes `start..end` of `slab`, which a `send` or `flush` had taken: the last ones
   * that it took. True: they are the caller's again, who queues them in front of what waits, and
   * `writable` follows. The slab is lent until this returns. False, or no such method: the driver sends
   * them when it can. Always false after `shutdownWrite`: they go out before our end.
   */
  refused?(slot: number, generation: number, slab: Slab, start: number, end: number): boolean;
  /** An outgoing connection is established (or `failed`). */
  connected(slot: number, generation: number): void;
  /**
   * One datagram; lent as in `received`; `peer` is overwritten by the next one. `local` is the address
   * that it was sent to, and is never changed; null when the endpoint has only one, or cannot tell.
   */
  datagram(
    endpoint: number,
    slab: Slab,
    start: number,
    end: number,
    peer: DatagramPeer,
    truncated: boolean,
    local: DatagramPeer | null,
  ): void;
  /**
   * A datagram that was sent before has failed: the network says so, of a connected endpoint only
   * (`peer` is null then), or the kernel refused it when its batch went out. The endpoint goes on.
   */
  datagramFailed(endpoint: number, peer: DatagramPeer | null, error: GnetError): void;
}

export interface DriverCounters {
  waits: number;
  events: number;
  bytesReceived: number;
  bytesSent: number;
  datagramsReceived: number;
  /** Dropped by the kernel because earlier datagrams had filled the buffer. */
  datagramsOverflowed: number;
  /** Not taken by the kernel when they were to be sent. */
  datagramsDropped: number;
  /** Milliseconds spent waiting for something to do: asleep in the kernel, or looking (`busyPoll`). */
  sleptMs: number;
  /** The last of these times, by the clock of the loop; 0 where nobody knows. */
  sleepBegan: number;
  sleepEnded: number;
}

/** What a loop asks of its driver when it is made. */
export interface DriverSettings {
  /** Bytes of one read call: `readBufferCap`. */
  readonly readBufferBytes: number;
  /** Free bytes in front of what is read, for the leftover of the read before. */
  readonly headroomBytes: number;
  readonly ledger?: DescriptorLedger;
  /** Microseconds to look for events before a wait sleeps, 0 for not at all: `busyPoll`. */
  readonly busyPollMicroseconds?: number;
  /** Another loop hears the same broadcasts: this one leaves them to it. */
  readonly skipsBroadcasts?: boolean;
  /** `datagramFailed` is wanted of every endpoint, not only of those that are connected. */
  readonly tellsDatagramErrors?: boolean;
}

export interface Driver extends Transport {
  readonly name: DriverName;
  readonly counters: DriverCounters;
  /** Brings up to date what the kernel alone counts, at the price of a call per datagram endpoint. */
  refreshCounters(): void;
  /**
   * Only in drivers that are told by the runtime: what arrived before a wait may be reported by the
   * next one, after the runtime's turn.
   */
  readonly reportsLater?: boolean;
  /** Slabs of that size which this driver can send from: for outbound queues. */
  slabPool(slabBytes: number): SlabPool;

  // -- waiting ------------------------------------------------------------------------------------
  /**
   * Reports what is ready and returns how many events there were. `timeoutMs` 0: never sleeps;
   * -1: sleeps until an event. A watched descriptor and `wake` also end it, as 0 or more events.
   */
  wait(timeoutMs: number): number;
  /** Ends a wait in progress, from any thread; many calls before the wait count once. */
  wake(): void;
  /** The descriptor another thread writes an 8-byte 1 to in order to wake, or -1. */
  readonly wakeDescriptor: number;
  /** Readiness of `descriptor` (libuv's, another loop's) ends the wait and nothing else. */
  watch(descriptor: number): void;
  unwatch(descriptor: number): void;
  /** Becomes readable when `wait(0)` would report something; -1 where there is none. */
  readonly pollableDescriptor: number;

  // -- listeners and datagram endpoints -----------------------------------------------------------
  /**
   * Only in drivers that cannot open a socket at once: opens what the `listen` of the same number
   * takes over, and must be awaited before it. Rejects as `listen` throws.
   */
  prepareListener?(listener: number, endpoint: Endpoint, options: SocketOptions): Promise<void>;
  /** The same for `bind`. */
  prepareEndpoint?(endpointId: number, endpoint: Endpoint, options: SocketOptions): Promise<void>;
  /**
   * Binds and listens; nothing is accepted before `startAccepting`. Numbers for listeners come from
   * the loop.
   * @throws SyscallError, with everything closed that was opened.
   */
  listen(listener: number, endpoint: Endpoint, options: SocketOptions): void;
  startAccepting(listener: number): void;
  /**
   * Only in drivers that cannot drain at once: accepts what waits in the backlog, and must be awaited
   * before `drainBacklog`.
   */
  prepareDrain?(listener: number): Promise<void>;
  /**
   * Accepts what already waits in the backlog (bounded by it), then refuses what comes; the
   * descriptor stays until `closeListener`. A listener that was duplicated goes on admitting, for
   * whoever holds the duplicate. Reports through `accepted`, from inside this call: the one
   * exception to rule 1.
   */
  drainBacklog(listener: number): void;
  /** Stops accepting without closing: the loop is full. `startAccepting` goes on. */
  pauseAccepting(listener: number): void;
  closeListener(listener: number): void;
  /** Binds a datagram socket, or connects it; datagrams are reported after `startReceiving`. */
  bind(endpointId: number, endpoint: Endpoint, options: SocketOptions): void;
  startReceiving(endpointId: number): void;
  /**
   * One datagram; false when the kernel did not take it. Inside a batch it may be sent later. It
   * leaves from `local`, which a datagram of this endpoint was reported with; null: the kernel picks.
   */
  sendDatagram(
    endpointId: number,
    peer: DatagramPeer,
    data: Uint8Array,
    local: DatagramPeer | null,
  ): boolean;
  /** As `sendDatagram`, ahead of the end of a batch: what it returns is what the kernel says. */
  sendDatagramNow(
    endpointId: number,
    peer: DatagramPeer,
    data: Uint8Array,
    local: DatagramPeer | null,
  ): boolean;
  /** As many times `sendDatagram`, which leave together; how many were taken. */
  sendDatagrams(
    endpointId: number,
    peer: DatagramPeer,
    datagrams: readonly Uint8Array[],
    local: DatagramPeer | null,
  ): number;
  /** TOS, or the traffic class, of the datagram that is being reported; -1: not asked for, or not known. */
  readonly typeOfService: number;
  /** Of what is sent from now on. @throws SyscallError; ErrUnsupportedOp where it cannot be. */
  setTypeOfService(endpointId: number, value: number): void;
  /** @throws SyscallError; ErrUnsupportedOp where it cannot be. */
  changeMembership(endpointId: number, joins: boolean, membership: Membership): void;
  /** Why the last of these calls did not take a datagram. */
  datagramError(): GnetError;
  /** Like `sendDatagram`, for bytes in the slab that `datagram` lent: copies nothing. */
  sendDatagramFrom(
    endpointId: number,
    peer: DatagramPeer,
    slab: Slab,
    offset: number,
    length: number,
    local: DatagramPeer | null,
  ): boolean;
  /**
   * Reports the datagrams that already wait (bounded by what a kernel may hold), then receives no
   * more; what the program answers later still goes out. Reports from inside this call, as
   * `drainBacklog` does.
   */
  drainEndpoint(endpointId: number): void;
  /** Only in drivers that cannot drain at once; must be awaited before `drainEndpoint`. */
  prepareEndpointDrain?(endpointId: number): Promise<void>;
  closeEndpoint(endpointId: number): void;
  /** `127.0.0.1:9000`, `[::1]:9000`. */
  formatPeer(peer: DatagramPeer): string;
  /** Of a listener or endpoint, with its real port: `127.0.0.1:80`, `[::1]:80` or a path. */
  listenerAddress(listener: number): string;
  endpointAddress(endpointId: number): string;
  /** A close-on-exec duplicate of the listener's (or endpoint's) descriptor. */
  duplicateListener(listener: number): number;
  duplicateEndpoint(endpointId: number): number;

  // -- sockets that go to another process -----------------------------------------------------------
  // Only in drivers that can give theirs away; all of these, or none.
  /**
   * What another process is to be given, while this one goes on.
   * @throws ErrUnsupportedOp for a socket that cannot be given away.
   */
  listenerSocket?(listener: number): GivenSocket;
  endpointSocket?(endpointId: number): GivenSocket;
  /**
   * Closes a listener that another process accepts from now on: its backlog and its path stay. Reports
   * what had been accepted already, as `drainBacklog` does.
   */
  leaveListener?(listener: number): void;
  /** Stops receiving until `startReceiving`; the kernel keeps waiting and arriving datagrams. */
  pauseReceiving?(endpointId: number): void;

  /**
   * Only in drivers that can: makes a connected stream socket that somebody else opened one of ours, for
   * `openStream` here or, natively, on another driver.
   * @throws a `GnetError`, and the descriptor stays the caller's: it is no socket, or not connected.
   */
  adopt?(descriptor: number, options: SocketOptions): AdoptedSocket;
  /**
   * The same of a connected socket of the runtime, which has passed `checkTakeOver`.
   * @throws a `GnetError`, with the socket as it was.
   */
  adoptSocket?(socket: Socket, options: SocketOptions): AdoptedSocket;

  // -- streams ------------------------------------------------------------------------------------
  /**
   * Starts a stream on an accepted descriptor, reading at once. `peer` is what `acceptedPeer` of the
   * driver that accepted it told, where that was another one.
   */
  openStream(
    slot: number,
    generation: number,
    descriptor: number,
    options: SocketOptions,
    peer?: DatagramPeer | string,
  ): void;
  /**
   * The peer of the connection that `accepted` reports just now, for whoever hands it to another
   * loop: fills `into`, or returns the path of a Unix peer.
   */
  acceptedPeer?(descriptor: number, into: DatagramPeer): string | null;
  /** Starts an outgoing connection: `connected` or `failed` follows. */
  connect(slot: number, generation: number, endpoint: Endpoint, options: SocketOptions): void;
  // -- descriptors that go over Unix streams: only in drivers that can; all of these, or none --------
  /**
   * Duplicates that are attached to a queue: `flush` sends and closes them, `closeDescriptor` closes one
   * that is not sent any more.
   * @throws ErrUnsupportedOp for another kind of stream; SyscallError EBADF, EMFILE.
   */
  holdDescriptors?(slot: number, descriptors: readonly number[]): readonly number[];
  /**
   * The next that has come over this stream, the caller's from then on; -1 for none. Those that nobody
   * takes are closed with the stream.
   */
  takeDescriptor?(slot: number): number;

  /** A descriptor that was accepted and is not wanted. */
  closeDescriptor(descriptor: number): void;
  /**
   * Only in drivers whose runtime reads for them: gives it the turns to read what has arrived, and must
   * be awaited before `unreadBytes`.
   */
  prepareUnread?(): Promise<void>;
  /**
   * Bytes of the stream that have arrived and were not reported; -1 where nobody can tell. A system
   * call: for the end of a server, never for each event.
   */
  unreadBytes(slot: number): number;
  /** Does nothing where it cannot: other than on TCP, or on a broken stream. */
  wish(slot: number, wish: SocketWish): void;
  /**
   * Only in drivers that can: these three, or none.
   * @throws SyscallError; ErrUnsupportedOp for what is about TCP on another socket.
   */
  set?(slot: number, setting: SocketSetting, value: number): void;
  /** Null elsewhere than on TCP, and where the kernel does not tell. */
  tcpInfo?(slot: number): TcpInfo | null;
  /**
   * How long a stream that was just accepted has waited since its handshake; -1 where the kernel does not
   * tell. Only before the first byte is sent. A system call.
   */
  acceptWaitMs?(slot: number): number;
  /** A close-on-exec duplicate of the descriptor. @throws SyscallError EMFILE. */
  duplicateStream?(slot: number): number;
  /** File descriptor for looking at, or -1. */
  descriptorOf(slot: number): number;
  localAddress(slot: number): string;
  /** Empty when it was reset before anybody asked. */
  remoteAddress(slot: number): string;
  /** Known to be a Unix stream: what `remoteAddress` says does not tell. */
  isUnix(slot: number): boolean;

  /** Closes everything that is still open. Idempotent. */
  close(): void;
}
