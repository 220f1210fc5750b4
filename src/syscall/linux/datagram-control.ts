import type { InetAddress } from '../../base/inet-address.ts';
import { socketMemory, setOption } from '../socket.ts';
import type { DatagramControl, ReceivedControl } from '../system-contract.ts';
import { constants } from '../../platform/linux.ts';
import { layouts } from '../../platform/linux-layouts.ts';

const header = layouts.cmsghdr;
const inet = layouts.inPktinfo;
const inet6 = layouts.in6Pktinfo;
const { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IP_PKTINFO, IPV6_PKTINFO, SO_RXQ_OVFL } = constants;

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
const spaceOf = (bytes: number): number => header.size + aligned(bytes);

/**
 * pktinfo(7)
 */
export function linuxDatagramControl(): DatagramControl {
  return {
    alignControl: aligned,
    cutsSegments: true,
    // A socket for both families says both addresses.
    controlBytesMax: spaceOf(inet.size) + spaceOf(inet6.size) + 4 * spaceOf(4),
    askForLocalAddress,
    askForOverflows,
    countOverflows,
    readControl,
    writeControl,
  };
}

/** From now on each datagram says to which address it was sent. 0 or minus an errno. ip(7), ipv6(7) */
function askForLocalAddress(socket: number, family: 4 | 6): number {
  if (family === 6) {
    const result = setOption(socket, IPPROTO_IPV6, constants.IPV6_RECVPKTINFO, 1);
    if (result < 0) return result;
  }
  // Also on a socket for both families: only this form knows our own address behind a broadcast.
  return setOption(socket, IPPROTO_IP, IP_PKTINFO, 1);
}

/** From now on datagrams that come after dropped ones say how many those were. socket(7) */
function askForOverflows(socket: number): number {
  return setOption(socket, SOL_SOCKET, SO_RXQ_OVFL, 1);
}

/**
 * How many datagrams the socket has dropped, modulo 2^32, or minus an errno: ENOPROTOOPT before
 * Linux 4.12. <linux/sock_diag.h>
 */
function countOverflows(socket: number): number {
  return socketMemory(socket, constants.SK_MEMINFO_DROPS);
}

/** Reads `length` bytes of control messages at `offset`. */
function readControl(view: DataView, offset: number, length: number, into: ReceivedControl): void {
  into.local.family = 0;
  into.overflowed = -1;
  into.toMany = false;
  into.typeOfService = -1;
  into.segmentBytes = 0;
  const end = offset + length;
  let at = offset;
  while (at + header.size <= end) {
    const bytes = view.getUint32(at + header.fields.len.offset, true);
    if (bytes < header.size) return;
    const level = view.getInt32(at + header.fields.level.offset, true);
    const type = view.getInt32(at + header.fields.type.offset, true);
    const data = at + header.size;
    if (level === IPPROTO_IP && type === IP_PKTINFO) readInet(view, data, into);
    else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) readInet6(view, data, into.local);
    else if (level === SOL_SOCKET && type === SO_RXQ_OVFL) {
      into.overflowed = view.getUint32(data, true);
    } else if (level === IPPROTO_IP && type === constants.IP_TOS) {
      into.typeOfService = view.getUint8(data);
    } else if (level === IPPROTO_IPV6 && type === constants.IPV6_TCLASS) {
      into.typeOfService = view.getInt32(data, true);
    } else if (level === constants.IPPROTO_UDP && type === constants.UDP_GRO) {
      into.segmentBytes = view.getInt32(data, true);
    }
    at += aligned(bytes);
  }
}

/** In memory order. */
const isMulticast = (word: number): boolean => (word & 0xf0) === 0xe0;

function readInet(view: DataView, at: number, control: ReceivedControl): void {
  const into = control.local;
  // Not `addr`, which may be a broadcast address: `spec_dst` is ours.
  const word = view.getInt32(at + inet.fields.spec_dst.offset, true);
  const asked = view.getInt32(at + inet.fields.addr.offset, true);
  control.toMany = asked !== word && !isMulticast(asked);
  if (word === 0) return;
  const isLinkLocal = (word & 0xffff) === 0xfea9; // 169.254.0.0/16 in memory order
  into.family = 4;
  into.word0 = word;
  into.word1 = into.word2 = into.word3 = 0;
  into.scope = isLinkLocal ? view.getInt32(at + inet.fields.ifindex.offset, true) : 0;
}

function readInet6(view: DataView, at: number, into: InetAddress): void {
  if (into.family === 4) return; // the same address, mapped into IPv6
  const start = at + inet6.fields.addr.offset;
  const word = view.getInt32(start, true);
  if ((word & 0xff) === 0xff) return; // ff00::/8: nothing is sent from a multicast address
  const isLinkLocal = (word & 0xc0ff) === 0x80fe; // fe80::/10 in memory order
  into.family = 6;
  into.word0 = word;
  into.word1 = view.getInt32(start + 4, true);
  into.word2 = view.getInt32(start + 8, true);
  into.word3 = view.getInt32(start + 12, true);
  into.scope = isLinkLocal ? view.getInt32(at + inet6.fields.ifindex.offset, true) : 0;
}

/**
 * Writes that a datagram leaves from `local`, and that it is several of `segmentBytes` each; returns the
 * length of the control messages.
 */
function writeControl(
  view: DataView,
  offset: number,
  local: InetAddress | null,
  segmentBytes = 0,
): number {
  const length = local === null ? 0 : writeLocal(view, offset, local);
  if (segmentBytes === 0) return length;
  const at = aligned(length);
  // 16 bits on the way out, though 32 on the way in.
  writeHeader(view, offset + at, 2, constants.IPPROTO_UDP, constants.UDP_SEGMENT);
  view.setUint16(offset + at + header.size, segmentBytes, true);
  return at + spaceOf(2);
}

function writeLocal(view: DataView, offset: number, local: InetAddress): number {
  const data = offset + header.size;
  if (local.family === 4) {
    writeHeader(view, offset, inet.size, IPPROTO_IP, IP_PKTINFO);
    view.setInt32(data + inet.fields.ifindex.offset, local.scope, true);
    view.setInt32(data + inet.fields.spec_dst.offset, local.word0, true);
    view.setInt32(data + inet.fields.addr.offset, 0, true);
    return header.size + inet.size;
  }
  writeHeader(view, offset, inet6.size, IPPROTO_IPV6, IPV6_PKTINFO);
  const start = data + inet6.fields.addr.offset;
  view.setInt32(start, local.word0, true);
  view.setInt32(start + 4, local.word1, true);
  view.setInt32(start + 8, local.word2, true);
  view.setInt32(start + 12, local.word3, true);
  view.setInt32(data + inet6.fields.ifindex.offset, local.scope, true);
  return header.size + inet6.size;
}

function writeHeader(view: DataView, at: number, bytes: number, level: number, type: number): void {
  view.setUint32(at + header.fields.len.offset, header.size + bytes, true);
  view.setUint32(at + header.fields.len.offset + 4, 0, true);
  view.setInt32(at + header.fields.level.offset, level, true);
  view.setInt32(at + header.fields.type.offset, type, true);
}
