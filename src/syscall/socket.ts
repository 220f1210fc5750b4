import type { DescriptorBits } from '../base/descriptor-bits.ts';
import { type Address, addressAt, foreignInterface, word } from '../ffi/index.ts';
import { errnoNumber } from '../platform/index.ts';
import { resultOf } from './last-errno.ts';
import { scratch } from './memory.ts';
import {
  emptyInetAddress,
  formatInet,
  type InetAddress,
  readFamily,
  readInet,
  readUnix,
  socketAddressBytesMax,
  writeInet,
  writeUnix,
} from './socket-address.ts';
import { closeDescriptor, madeOwn, makeCloseOnExec, makeOwn, setMayWait } from './descriptor.ts';
import {
  acceptRaw,
  ioctlRaw,
  receiveMessagesRaw,
  receiveRaw,
  sendMessageRaw,
  sendMessagesRaw,
  sendQueueRequest,
  sendRaw,
  socketName,
} from './system-calls.ts';
import { constants, layouts } from './tables.ts';

const socketRaw = foreignInterface.lookup(socketName, 3);
const socketpairRaw = foreignInterface.lookup('socketpair', 4);
const bindRaw = foreignInterface.lookup('bind', 3);
const listenRaw = foreignInterface.lookup('listen', 2);
const connectRaw = foreignInterface.lookup('connect', 3);
const shutdownRaw = foreignInterface.lookup('shutdown', 2);
const getsocknameRaw = foreignInterface.lookup('getsockname', 3);
const getpeernameRaw = foreignInterface.lookup('getpeername', 3);
const setsockoptRaw = foreignInterface.lookup('setsockopt', 5);
const getsockoptRaw = foreignInterface.lookup('getsockopt', 5);

/** A socket address: IP or a Unix path (`@` forms as in `writeUnix`). */
export type SocketAddress = InetAddress | string;

const lengthOffset = 512;
const addressOffset = 520;
const lengthAddress = addressAt(scratch.address, lengthOffset);
const nameAddress = addressAt(scratch.address, addressOffset);

function writeAddress(address: SocketAddress): number {
  return typeof address === 'string'
    ? writeUnix(scratch.bytes, scratch.view, addressOffset, address)
    : writeInet(scratch.view, addressOffset, address);
}

const ownFlags = (constants.SOCK_NONBLOCK ?? 0) | (constants.SOCK_CLOEXEC ?? 0);
/** macOS: what those flags say needs calls of its own, between which a program may be started. */
const isFlagless = ownFlags === 0;

/**
 * A non-blocking, close-on-exec socket, or minus an errno. socket(2)
 * @param bits where it is written down as open.
 */
export function openSocket(
  family: number,
  type: number,
  bits: DescriptorBits | null = null,
): number {
  const socket = socketRaw(word(family), word(type | ownFlags), word(0));
  // Right behind the call, here and in `acceptSocket`: see `DescriptorBits`.
  if (bits !== null && socket >= 0 && socket < bits.count) {
    Atomics.or(bits.words, bits.firstWord + (socket >>> 5), 1 << (socket & 31));
  }
  const result = resultOf(socket);
  return result >= 0 && isFlagless ? madeOwn(result, bits) : result;
}

/** 0 or minus an errno. bind(2) */
export function bindSocket(socket: number, address: SocketAddress): number {
  const length = writeAddress(address);
  return resultOf(bindRaw(word(socket), nameAddress, word(length)));
}

/** 0 or minus an errno. listen(2) */
export function listenSocket(socket: number, backlog: number): number {
  return resultOf(listenRaw(word(socket), word(backlog)));
}

/** 0 or minus an errno; EINPROGRESS is the normal answer of a TCP socket. connect(2) */
export function connectSocket(socket: number, address: SocketAddress): number {
  const length = writeAddress(address);
  return resultOf(connectRaw(word(socket), nameAddress, word(length)));
}

const zero = word(0);
const noSuchOption = errnoNumber('ENOPROTOOPT') as number;

/** Where accept4 leaves the peer's address: a part of the scratch page that nothing else uses. */
const acceptLengthOffset = 1_024;
const acceptNameOffset = 1_032;
const acceptLengthAddress = addressAt(scratch.address, acceptLengthOffset);
const acceptNameAddress = addressAt(scratch.address, acceptNameOffset);

/**
 * The next connection's descriptor (non-blocking, close-on-exec), or minus an errno. The peer's
 * address is kept for `acceptedPeer`: a reset connection has none to ask for later. ECONNABORTED for one
 * that has none already. accept4(2)
 * @param bits where it is written down as open.
 */
export function acceptSocket(listener: number, bits: DescriptorBits | null = null): number {
  scratch.view.setInt32(acceptLengthOffset, socketAddressBytesMax, true);
  const socket = acceptRaw(listener, acceptNameAddress, acceptLengthAddress);
  if (bits !== null && socket >= 0 && socket < bits.count) {
    Atomics.or(bits.words, bits.firstWord + (socket >>> 5), 1 << (socket & 31));
  }
  if (socket < 0) return resultOf(socket);
  if (scratch.view.getInt32(acceptLengthOffset, true) > 0) return socket;
  // macOS gives out a connection that was reset while it waited, and leaves the name of the one before.
  closeDescriptor(socket, bits);
  return connectionAborted;
}

const connectionAborted = -(errnoNumber('ECONNABORTED') as number);

/** Linux ends an accept(2) by SO_RCVTIMEO; the others do not, and have the flag for the time of it. */
const acceptHasTimeout = process.platform === 'linux';

/**
 * As `acceptSocket`, of a listener that may wait: for the shortest time there is, some milliseconds,
 * when another holder of it took the connection. EAGAIN then, as usual. socket(7) SO_RCVTIMEO
 */
export function acceptWithoutWaiting(listener: number, bits: DescriptorBits | null = null): number {
  if (!acceptHasTimeout) {
    setMayWait(listener, false);
    const accepted = acceptSocket(listener, bits);
    setMayWait(listener, true);
    return accepted;
  }
  setReceiveTimeout(listener, 1);
  const result = acceptSocket(listener, bits);
  setReceiveTimeout(listener, 0);
  return result;
}

function setReceiveTimeout(socket: number, microseconds: number): void {
  scratch.view.setBigInt64(0, 0n, true);
  scratch.view.setBigInt64(8, BigInt(microseconds), true);
  const level = word(constants.SOL_SOCKET);
  setsockoptRaw(word(socket), level, word(constants.SO_RCVTIMEO), scratch.address, word(16));
}

/** The peer of the last accepted connection: fills `into`, or returns the Unix path. */
export function acceptedPeer(into: InetAddress): string | null {
  return peerIn(scratch.view, scratch.bytes, acceptLengthOffset, into);
}

/** Where the name begins behind its length, in memory for `peerIn`. */
export const peerNameOffset: number = acceptNameOffset - acceptLengthOffset;
export const peerBytesMax: number = peerNameOffset + socketAddressBytesMax;

/** A peer whose length the kernel left at `offset` of that memory, and its name behind it. */
export function peerIn(
  view: DataView,
  bytes: Buffer,
  offset: number,
  into: InetAddress,
): string | null {
  readInet(view, offset + peerNameOffset, into);
  if (into.family !== 0) return null;
  return readUnix(bytes, offset + peerNameOffset, view.getInt32(offset, true));
}

/** Before the kernel is given that memory. */
export function makeRoomForPeer(view: DataView, offset: number): void {
  view.setInt32(offset, socketAddressBytesMax, true);
}

/** 0 or minus an errno. shutdown(2) */
export function shutdownSocket(socket: number, how: number): number {
  return resultOf(shutdownRaw(word(socket), word(how)));
}

/** Sets an integer option: 0 or minus an errno, ENOPROTOOPT for one of other systems. setsockopt(2) */
export function setOption(
  socket: number,
  level: number,
  option: number | undefined,
  value: number,
): number {
  if (option === undefined) return -noSuchOption;
  scratch.view.setInt32(0, value, true);
  return resultOf(setsockoptRaw(word(socket), word(level), word(option), scratch.address, word(4)));
}

const interfaceIndexRaw = foreignInterface.lookup('if_nametoindex', 1);

/** The number of a network interface, or 0. if_nametoindex(3) */
export function interfaceIndex(name: string): number {
  const bytes = Buffer.from(`${name}\0`);
  const index = interfaceIndexRaw(foreignInterface.addressOf(bytes));
  return bytes.length > 0 ? index : 0;
}

const mreqn = 'ipMreqn' in layouts ? layouts.ipMreqn : undefined;
const notSupported = -(errnoNumber('EOPNOTSUPP') as number);

/**
 * `ip_mreqn` without a group: which interface multicast leaves by. 0 or minus an errno: EOPNOTSUPP where
 * the system knows interfaces by their addresses only. ip(7)
 */
export function setMulticastInterface(socket: number, index: number): number {
  if (mreqn === undefined) return notSupported;
  const { fields, size } = mreqn;
  scratch.view.setInt32(fields.multiaddr.offset, 0, true);
  scratch.view.setInt32(fields.address.offset, 0, true);
  scratch.view.setInt32(fields.ifindex.offset, index, true);
  return setScratch(socket, constants.IPPROTO_IP, constants.IP_MULTICAST_IF, size);
}

function setScratch(
  socket: number,
  level: number,
  option: number | undefined,
  length: number,
): number {
  if (option === undefined) return notSupported;
  return resultOf(
    setsockoptRaw(word(socket), word(level), word(option), scratch.address, word(length)),
  );
}

/**
 * Joins a multicast group, of all senders or of one. `index` 0 leaves the interface to the routes.
 * 0 or minus an errno. ip(7), RFC 3678
 */
export function changeMembership(
  socket: number,
  joins: boolean,
  group: InetAddress,
  source: InetAddress | null,
  index: number,
): number {
  const level = group.family === 4 ? constants.IPPROTO_IP : constants.IPPROTO_IPV6;
  if (!('groupReq' in layouts)) return changeByAddress(socket, joins, group, source, index);
  const { groupReq, groupSourceReq } = layouts;
  scratch.bytes.fill(0, 0, groupSourceReq.size);
  scratch.view.setUint32(0, index, true);
  writeInet(scratch.view, groupReq.fields.group.offset, group);
  if (source === null) {
    const option = joins ? constants.MCAST_JOIN_GROUP : constants.MCAST_LEAVE_GROUP;
    return setScratch(socket, level, option, groupReq.size);
  }
  writeInet(scratch.view, groupSourceReq.fields.source.offset, source);
  const option = joins ? constants.MCAST_JOIN_SOURCE_GROUP : constants.MCAST_LEAVE_SOURCE_GROUP;
  return setScratch(socket, level, option, groupSourceReq.size);
}

/** Where groups are joined by the older structs: of all senders, and for IPv4 by the routes only. */
function changeByAddress(
  socket: number,
  joins: boolean,
  group: InetAddress,
  source: InetAddress | null,
  index: number,
): number {
  if (source !== null || (group.family === 4 && index !== 0)) return notSupported;
  if (group.family === 4) {
    const { fields, size } = layouts.ipMreq;
    scratch.view.setInt32(fields.multiaddr.offset, group.word0, true);
    scratch.view.setInt32(fields.interface.offset, 0, true);
    const option = joins ? constants.IP_ADD_MEMBERSHIP : constants.IP_DROP_MEMBERSHIP;
    return setScratch(socket, constants.IPPROTO_IP, option, size);
  }
  const { fields, size } = layouts.ipv6Mreq;
  const { word0, word1, word2, word3 } = group;
  [word0, word1, word2, word3].forEach((part, at) => {
    scratch.view.setInt32(fields.multiaddr.offset + at * 4, part, true);
  });
  scratch.view.setUint32(fields.interface.offset, index, true);
  const option = joins ? constants.IPV6_JOIN_GROUP : constants.IPV6_LEAVE_GROUP;
  return setScratch(socket, constants.IPPROTO_IPV6, option, size);
}

/** Makes close(2) reset the connection. */
export function setLingerReset(socket: number): number {
  return setLinger(socket, true, 0);
}

/** 0 or minus an errno. socket(7) SO_LINGER */
export function setLinger(socket: number, on: boolean, seconds: number): number {
  const { onoff, linger } = layouts.linger.fields;
  scratch.view.setInt32(onoff.offset, on ? 1 : 0, true);
  scratch.view.setInt32(linger.offset, seconds, true);
  const size = word(layouts.linger.size);
  return resultOf(
    setsockoptRaw(
      word(socket),
      word(constants.SOL_SOCKET),
      word(constants.SO_LINGER),
      scratch.address,
      size,
    ),
  );
}

/** 0 or minus an errno. setsockopt(2) */
export function setOptionText(
  socket: number,
  level: number,
  option: number | undefined,
  text: string,
): number {
  if (option === undefined) return -noSuchOption;
  const length = scratch.bytes.write(text, 0, 'latin1');
  return resultOf(
    setsockoptRaw(word(socket), word(level), word(option), scratch.address, word(length)),
  );
}

/** What `getOptionBytes` read last. */
export const optionView: DataView = scratch.view;

/** How many of at most `size` bytes the kernel gave, for `optionView`; or minus an errno. */
export function getOptionBytes(
  socket: number,
  level: number,
  option: number,
  size: number,
): number {
  scratch.view.setInt32(lengthOffset, size, true);
  const result = resultOf(
    getsockoptRaw(word(socket), word(level), word(option), scratch.address, lengthAddress),
  );
  return result < 0 ? result : scratch.view.getInt32(lengthOffset, true);
}

/** An integer option, or minus an errno. getsockopt(2) */
export function getOption(socket: number, level: number, option: number | undefined): number {
  if (option === undefined) return -noSuchOption;
  scratch.view.setInt32(lengthOffset, 4, true);
  const result = resultOf(
    getsockoptRaw(word(socket), word(level), word(option), scratch.address, lengthAddress),
  );
  return result < 0 ? result : scratch.view.getInt32(0, true);
}

/** A number of what the kernel counts of a socket, or minus an errno. SO_MEMINFO, socket(7) */
export function socketMemory(socket: number, index: number): number {
  const wordBytes = 4;
  scratch.view.setInt32(lengthOffset, (index + 1) * wordBytes, true);
  if (constants.SO_MEMINFO === undefined) return -noSuchOption;
  const option = word(constants.SO_MEMINFO);
  const level = word(constants.SOL_SOCKET);
  const result = resultOf(
    getsockoptRaw(word(socket), level, option, scratch.address, lengthAddress),
  );
  return result < 0 ? result : scratch.view.getUint32(index * wordBytes, true);
}

/** The pending error of a socket as a positive errno, 0 when there is none; clears it. */
export function pendingError(socket: number): number {
  const value = getOption(socket, constants.SOL_SOCKET, constants.SO_ERROR);
  return value < 0 ? -value : value;
}

/**
 * Bytes in the send queue: not acknowledged by the peer's system yet, an end that was sent counted as
 * one; of a Unix socket the memory of what the peer has not read. Or minus
 * an errno: EOPNOTSUPP where no call tells. tcp(7) SIOCOUTQ
 */
export function sendQueueBytes(socket: number): number {
  if (constants.SO_NWRITE !== undefined)
    return getOption(socket, constants.SOL_SOCKET, constants.SO_NWRITE);
  if (sendQueueRequest === undefined) return notSupported;
  const result = resultOf(ioctlRaw(socket, sendQueueRequest, scratch.address));
  return result < 0 ? result : scratch.view.getInt32(0, true);
}

/** Bytes that have arrived and were not read, or minus an errno. tcp(7) SIOCINQ, unix(7) */
export function receiveQueueBytes(socket: number): number {
  const result = resultOf(ioctlRaw(socket, constants.FIONREAD, scratch.address));
  return result < 0 ? result : scratch.view.getInt32(0, true);
}

/** getsockname(2) or getpeername(2): false when they know no name, which macOS says by a length of 0. */
function hasName(call: typeof getsocknameRaw, socket: number): boolean {
  scratch.view.setInt32(lengthOffset, socketAddressBytesMax, true);
  if (call(word(socket), nameAddress, lengthAddress) < 0) return false;
  return scratch.view.getInt32(lengthOffset, true) > 0;
}

function readName(): string {
  const length = scratch.view.getInt32(lengthOffset, true);
  if (length < 2) return '@';
  if (readFamily(scratch.view, addressOffset) === constants.AF_UNIX)
    return readUnix(scratch.bytes, addressOffset, length);
  const address = emptyInetAddress();
  readInet(scratch.view, addressOffset, address);
  return formatInet(address);
}

/**
 * Our end as text, with its real port. Empty when the kernel does not know it any more (ENOTCONN,
 * EINVAL after a reset; ENOBUFS). getsockname(2)
 */
export function localName(socket: number): string {
  return hasName(getsocknameRaw, socket) ? readName() : '';
}

/** AF_INET, AF_INET6, AF_UNIX, or minus an errno. socket(7) SO_DOMAIN, getsockname(2) */
export function socketFamily(socket: number): number {
  if (constants.SO_DOMAIN !== undefined) {
    return getOption(socket, constants.SOL_SOCKET, constants.SO_DOMAIN);
  }
  scratch.view.setInt32(lengthOffset, socketAddressBytesMax, true);
  scratch.view.setUint16(addressOffset, 0, true);
  const result = resultOf(getsocknameRaw(word(socket), nameAddress, lengthAddress));
  return result < 0 ? result : readFamily(scratch.view, addressOffset);
}

/** The port of our end; 0 when there is none. getsockname(2) */
export function localPort(socket: number): number {
  if (!hasName(getsocknameRaw, socket)) return 0;
  const address = emptyInetAddress();
  readInet(scratch.view, addressOffset, address);
  return address.port;
}

/** The other end as text; empty as in `localName`. getpeername(2) */
export function peerName(socket: number): string {
  return hasName(getpeernameRaw, socket) ? readName() : '';
}

/** As `acceptedPeer`, of any connection; family 0 and null when it has none any more. */
export function peerInto(socket: number, into: InetAddress): string | null {
  into.family = 0;
  if (!hasName(getpeernameRaw, socket)) return null;
  readInet(scratch.view, addressOffset, into);
  return into.family === 0 ? readName() : null;
}

/**
 * Two connected Unix stream sockets, close-on-exec, or minus an errno. socketpair(2)
 * @param mayWait calls on them may: for a program that knows them as its standard output.
 */
export function socketPair(mayWait = false): readonly [number, number] | number {
  const kind = constants.SOCK_STREAM | (constants.SOCK_CLOEXEC ?? 0);
  const type = mayWait ? kind : kind | (constants.SOCK_NONBLOCK ?? 0);
  const result = resultOf(
    socketpairRaw(word(constants.AF_UNIX), word(type), zero, scratch.address),
  );
  if (result < 0) return result;
  const pair = [scratch.view.getInt32(0, true), scratch.view.getInt32(4, true)] as const;
  if (isFlagless) {
    for (const end of pair) mayWait ? makeCloseOnExec(end) : makeOwn(end);
  }
  return pair;
}

/** As `send`, of the message header at `message`. sendmsg(2) */
export function sendMessage(socket: number, message: Address): number {
  return resultOf(sendMessageRaw(socket, message));
}

/** Bytes received, 0 at the peer's end, or minus an errno. recv(2) */
export function receive(socket: number, address: Address, length: number): number {
  return resultOf(receiveRaw(socket, address, length));
}

/** Bytes the kernel took, or minus an errno; never SIGPIPE. send(2) */
export function send(socket: number, address: Address, length: number): number {
  return resultOf(sendRaw(socket, address, length));
}

/**
 * Datagrams received into the `count` headers at `headers`, where `view` begins, or minus an
 * errno. recvmmsg(2)
 */
export function receiveMessages(
  socket: number,
  headers: Address,
  count: number,
  view: DataView,
): number {
  return resultOf(receiveMessagesRaw(socket, headers, count, view));
}

/** Datagrams sent of the `count` headers at `headers`, or minus an errno. sendmmsg(2) */
export function sendMessages(socket: number, headers: Address, count: number): number {
  return resultOf(sendMessagesRaw(socket, headers, count));
}
