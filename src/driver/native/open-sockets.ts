/**
 * Opening sockets on kernels with file descriptors; shared by every native driver. Off the hot path.
 * Each function either returns an open descriptor or throws a typed error and leaves nothing open.
 */
import type { DescriptorBits } from '../../base/descriptor-bits.ts';
import { hasAbstractNames } from '../../base/unix-address.ts';
import { errnoNumber } from '../../platform/index.ts';
import { closeDescriptor, makeOwn } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { askForLocalAddress, askForOverflows } from '../../syscall/datagram-control.ts';
import {
  bindSocket,
  connectSocket,
  listenSocket,
  localPort,
  openSocket,
  type SocketAddress,
  setOption,
} from '../../syscall/socket.ts';
import { formatInet, type InetAddress, inetAddress } from '../../syscall/socket-address.ts';
import { constants } from '../../syscall/tables.ts';
import { askForCoalescing, setDatagramExtras } from './datagram-options.ts';
import {
  describeEndpoint,
  requireOption,
  setBufferSizes,
  setDevice,
  setFamilyOptions,
  setListenerExtras,
  setTcpOptions,
} from './socket-options.ts';
import {
  type BoundPath,
  boundPathOf,
  lockNameFor,
  removeBoundPath,
  removeDeadSocket,
  socketFileAt,
} from '../bound-path.ts';
import type { Endpoint, GivenSocket, SocketOptions } from '../contract.ts';
import { markTaken } from '../given-sockets.ts';

export { type BoundPath, removeBoundPath } from '../bound-path.ts';

const addressInUse = errnoNumber('EADDRINUSE') as number;
const connectionRefused = errnoNumber('ECONNREFUSED') as number;
const notSupported = errnoNumber('ENOTSUP') as number;
const inProgress = errnoNumber('EINPROGRESS') as number;

export interface OpenedSocket {
  readonly descriptor: number;
  readonly boundPath: BoundPath | null;
  /** Others hold it, too. */
  readonly shared: boolean;
  /** It was given, and its path is its giver's until something is accepted here. */
  readonly isGiven: boolean;
}

function toSocketAddress(endpoint: Endpoint): SocketAddress {
  return endpoint.kind === 'unix'
    ? endpoint.path
    : inetAddress(endpoint.family, endpoint.host, endpoint.port);
}

function familyOf(endpoint: Endpoint): number {
  if (endpoint.kind === 'unix') return constants.AF_UNIX;
  return endpoint.family === 4 ? constants.AF_INET : constants.AF_INET6;
}

/** Runs set-up steps on a fresh socket; closes it when one of them throws. */
function openWith(
  endpoint: Endpoint,
  type: number,
  setUp: (descriptor: number) => void,
  bits?: DescriptorBits | null,
): number {
  const descriptor = openSocket(familyOf(endpoint), type, bits);
  if (descriptor < 0) {
    const address = describeEndpoint(endpoint);
    throw syscallError('socket', -descriptor, `open a socket for ${address}`, address);
  }
  try {
    setUp(descriptor);
  } catch (error) {
    closeDescriptor(descriptor, bits);
    throw error;
  }
  return descriptor;
}

/** Where a call comes from; the kernel picks a port at connect, which other peers may share. */
function bindLocally(descriptor: number, endpoint: Endpoint): void {
  if (endpoint.kind === 'unix' || endpoint.from === undefined) return;
  const { from, family } = endpoint;
  if (from.port === 0 && family === 4 && constants.IP_BIND_ADDRESS_NO_PORT !== undefined) {
    setOption(descriptor, constants.IPPROTO_IP, constants.IP_BIND_ADDRESS_NO_PORT, 1);
  }
  const result = bindSocket(descriptor, inetAddress(family, from.host, from.port));
  if (result === 0) return;
  const address = formatInet(inetAddress(family, from.host, from.port));
  throw syscallError('bind', -result, `call from ${address}`, address);
}

function bindOrThrow(descriptor: number, endpoint: Endpoint): void {
  const result = bindSocket(descriptor, toSocketAddress(endpoint));
  if (result === 0) return;
  const address = describeEndpoint(endpoint);
  throw syscallError('bind', -result, `listen on ${address}`, address);
}

/**
 * A socket file that nobody has bound. A socket of another kind asks, which leaves no caller in the
 * backlog, and is refused only when there is no socket at all: one that is bound and does not listen
 * yet, as every server is for a moment, gives EPROTOTYPE. unix(7)
 */
function isDead(path: string): boolean {
  const probe = openSocket(constants.AF_UNIX, constants.SOCK_DGRAM);
  if (probe < 0) return false;
  const result = connectSocket(probe, path);
  closeDescriptor(probe);
  return result === -connectionRefused;
}

/** Takes a dead socket file out of the way, never anything else. */
function makeWay(path: string): boolean {
  const found = socketFileAt(path);
  if (found === null || !isDead(path)) return false;
  const take = (): boolean =>
    socketFileAt(path) === found && isDead(path) && removeDeadSocket(path, found);
  // Without a lock two servers that start at once may both be told that the path is taken.
  if (!hasAbstractNames()) return take();
  const lock = openSocket(constants.AF_UNIX, constants.SOCK_STREAM);
  if (lock < 0) return false;
  try {
    // Another server that takes it away right now will have the path.
    if (bindSocket(lock, lockNameFor(path)) === -addressInUse) return false;
    // Another one may have been faster, and listen there by now.
    return take();
  } finally {
    closeDescriptor(lock);
  }
}

function bindUnix(descriptor: number, path: string): BoundPath | null {
  let result = bindSocket(descriptor, path);
  const isFile = !path.startsWith('@');
  if (result === -addressInUse && isFile && makeWay(path)) result = bindSocket(descriptor, path);
  if (result !== 0) throw syscallError('bind', -result, `listen on unix://${path}`, path);
  return isFile ? boundPathOf(path) : null;
}

/** Older kernels take the option and do nothing, newer ones refuse: the same everywhere. */
function refuseReusePort(endpoint: Endpoint & { readonly kind: 'unix' }): void {
  const { path } = endpoint;
  throw syscallError('setsockopt', notSupported, `set SO_REUSEPORT for unix://${path}`, path);
}

/** The socket that an endpoint brings along; close-on-exec and non-blocking from now on. */
function takeGiven({ given }: Endpoint): GivenSocket | undefined {
  const socket = given?.[0];
  if (socket === undefined) return undefined;
  const result = makeOwn(socket.descriptor);
  if (result === 0) return socket;
  const { descriptor, address } = socket;
  throw syscallError('fcntl', -result, `listen on descriptor ${descriptor}`, address);
}

function listenOrThrow(descriptor: number, endpoint: Endpoint, backlog: number): void {
  const result = listenSocket(descriptor, backlog);
  if (result === 0) return;
  const address = describeEndpoint(endpoint);
  throw syscallError('listen', -result, `listen on ${address}`, address);
}

/** A listening stream socket. */
export function openListener(endpoint: Endpoint, options: SocketOptions): OpenedSocket {
  const given = takeGiven(endpoint);
  if (given !== undefined) {
    setBufferSizes(given.descriptor, endpoint, options);
    if (endpoint.kind !== 'unix') {
      setTcpOptions(given.descriptor, endpoint, options);
      setListenerExtras(given.descriptor, endpoint, options);
    }
    // Also where it listens already: from now on the backlog is ours, and clients of a Unix socket find
    // this process in SO_PEERCRED instead of the one before, which may be gone.
    listenOrThrow(given.descriptor, endpoint, options.backlog);
    markTaken(given);
    const { descriptor, boundPath, shared } = given;
    return { descriptor, boundPath, shared, isGiven: true };
  }
  let boundPath: BoundPath | null = null;
  const descriptor = openWith(endpoint, constants.SOCK_STREAM, (socket) => {
    if (endpoint.kind === 'unix' && options.reusePort) refuseReusePort(endpoint);
    setFamilyOptions(socket, endpoint, options);
    setBufferSizes(socket, endpoint, options);
    if (endpoint.kind === 'unix') {
      boundPath = bindUnix(socket, endpoint.path);
    } else {
      const level = constants.SOL_SOCKET;
      // Binding again must not wait for connections in TIME_WAIT.
      requireOption(socket, endpoint, level, constants.SO_REUSEADDR, 1, 'SO_REUSEADDR');
      setTcpOptions(socket, endpoint, options);
      setListenerExtras(socket, endpoint, options);
      bindOrThrow(socket, endpoint);
    }
    try {
      listenOrThrow(socket, endpoint, options.backlog);
    } catch (error) {
      if (boundPath !== null) removeBoundPath(boundPath);
      throw error;
    }
  });
  return { descriptor, boundPath, shared: false, isGiven: false };
}

export interface OpenedDatagramSocket {
  readonly descriptor: number;
  readonly family: 4 | 6;
  readonly port: number;
  /** Several datagrams may come as one. */
  readonly coalesces: boolean;
  /** Others hold it, too. */
  readonly shared: boolean;
  /** Bound to all addresses of the machine, and each datagram says to which one it was sent. */
  readonly tellsLocal: boolean;
  /** The one it is connected to. */
  readonly peer: InetAddress | null;
}

function connectOrThrow(descriptor: number, endpoint: Endpoint): void {
  const result = connectSocket(descriptor, toSocketAddress(endpoint));
  if (result === 0) return;
  const address = describeEndpoint(endpoint);
  throw syscallError('connect', -result, `dial ${address} by datagrams`, address);
}

/**
 * A bound or connected datagram socket. No SO_REUSEADDR: on UDP it would let two servers share a port
 * unseen.
 */
export function openDatagramSocket(
  endpoint: Endpoint & { readonly kind: 'udp' | 'tcp' },
  options: SocketOptions,
): OpenedDatagramSocket {
  const { host, family } = endpoint;
  const connects = endpoint.connects === true;
  let tellsLocal = !connects && (host === '0.0.0.0' || host === '::');
  const given = takeGiven(endpoint);
  const setUp = (socket: number): void => {
    const level = constants.SOL_SOCKET;
    requireOption(socket, endpoint, level, constants.SO_BROADCAST, 1, 'SO_BROADCAST');
    if (given === undefined && !connects) setFamilyOptions(socket, endpoint, options);
    setBufferSizes(socket, endpoint, options);
    // Where a kernel has neither, the server works all the same: it answers and counts as it can.
    tellsLocal = tellsLocal && askForLocalAddress(socket, family) === 0;
    askForOverflows(socket);
    setDatagramExtras(socket, family, options.datagrams, describeEndpoint(endpoint));
    if (connects) connectOrThrow(socket, endpoint);
    else if (given === undefined) bindOrThrow(socket, endpoint);
  };
  if (given !== undefined) setUp(given.descriptor);
  const descriptor = given?.descriptor ?? openWith(endpoint, constants.SOCK_DGRAM, setUp);
  const shared = given?.shared ?? false;
  const peer = connects ? inetAddress(family, host, endpoint.port) : null;
  const coalesces = options.datagrams?.coalescing === true && askForCoalescing(descriptor);
  if (given !== undefined) markTaken(given);
  return { descriptor, family, port: localPort(descriptor), shared, tellsLocal, coalesces, peer };
}

/**
 * A stream socket that is being connected. `errno` is not 0 when that failed at once, as it does for
 * Unix paths; otherwise the outcome shows when the socket becomes writable.
 */
export function openOutgoing(
  endpoint: Endpoint,
  options: SocketOptions,
  bits?: DescriptorBits | null,
): { readonly descriptor: number; readonly errno: number } {
  let errno = 0;
  const setUp = (socket: number): void => {
    setBufferSizes(socket, endpoint, options);
    if (endpoint.kind !== 'unix') setTcpOptions(socket, endpoint, options);
    setDevice(socket, endpoint, options);
    bindLocally(socket, endpoint);
    const result = connectSocket(socket, toSocketAddress(endpoint));
    if (result !== 0 && result !== -inProgress) errno = -result;
  };
  const descriptor = openWith(endpoint, constants.SOCK_STREAM, setUp, bits);
  return { descriptor, errno };
}
