import { networkInterfaces } from 'node:os';
import { type InetAddress, inetAddress } from '../../base/inet-address.ts';
import { type BsdPlatform, errnoNumber, requireBsd } from '../../platform/index.ts';
import { setOption } from '../socket.ts';
import type { DatagramControl, ReceivedControl } from '../system-contract.ts';

const anyAddress = 0;

/** Addresses of the directly connected networks that all machines there hear, in memory order. */
function broadcastAddresses(): ReadonlySet<number> {
  const found = new Set([inetAddress(4, '255.255.255.255', 0).word0]);
  for (const list of Object.values(networkInterfaces())) {
    for (const { family, address, netmask } of list ?? []) {
      if (family !== 'IPv4') continue;
      const mask = inetAddress(4, netmask, 0).word0;
      if (mask !== -1) found.add(inetAddress(4, address, 0).word0 | ~mask);
    }
  }
  return found;
}

/** Where data begins and the next message does: CMSG_DATA(3), CMSG_SPACE(3). */
interface Shape {
  readonly tables: BsdPlatform;
  readonly dataOffset: number;
  align(bytes: number): number;
}

function shapeOf(tables: BsdPlatform): Shape {
  const { cmsgAlignment, layouts } = tables;
  const align = (bytes: number): number => Math.ceil(bytes / cmsgAlignment) * cmsgAlignment;
  return { tables, align, dataOffset: align(layouts.cmsghdr.size) };
}

type ReadControl = DatagramControl['readControl'];
type WriteControl = DatagramControl['writeControl'];

/** @param isBroadcast of an address of ours, in memory order. */
function controlReader(shape: Shape, isBroadcast: (word: number) => boolean): ReadControl {
  const { constants, layouts } = shape.tables;
  const { IPPROTO_IP, IPPROTO_IPV6, IP_RECVDSTADDR, IPV6_PKTINFO } = constants;
  const header = layouts.cmsghdr;
  const inet6 = layouts.in6Pktinfo.fields;

  function noteLocal(word: number, control: ReceivedControl): void {
    const isMulticast = (word & 0xf0) === 0xe0;
    control.toMany = isBroadcast(word);
    if (isMulticast || control.toMany || word === anyAddress) return;
    const into = control.local;
    into.family = 4;
    into.word0 = word;
    into.word1 = into.word2 = into.word3 = into.scope = 0;
  }

  function noteLocal6(view: DataView, at: number, into: InetAddress): void {
    const start = at + inet6.addr.offset;
    const word = view.getInt32(start, true);
    if ((word & 0xff) === 0xff) return; // ff00::/8: nothing is sent from a multicast address
    const isLinkLocal = (word & 0xc0ff) === 0x80fe; // fe80::/10 in memory order
    into.family = 6;
    into.word0 = word;
    into.word1 = view.getInt32(start + 4, true);
    into.word2 = view.getInt32(start + 8, true);
    into.word3 = view.getInt32(start + 12, true);
    into.scope = isLinkLocal ? view.getInt32(at + inet6.ifindex.offset, true) : 0;
  }

  return (view, offset, length, into) => {
    into.local.family = 0;
    into.overflowed = -1;
    into.toMany = false;
    into.typeOfService = -1;
    into.segmentBytes = 0;
    const end = offset + length;
    for (let at = offset; at + header.size <= end; ) {
      const bytes = view.getUint32(at + header.fields.len.offset, true);
      if (bytes < header.size) return;
      const level = view.getInt32(at + header.fields.level.offset, true);
      const type = view.getInt32(at + header.fields.type.offset, true);
      const data = at + shape.dataOffset;
      if (level === IPPROTO_IP && type === IP_RECVDSTADDR) {
        noteLocal(view.getInt32(data, true), into);
      } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
        noteLocal6(view, data, into.local);
      } else if (level === IPPROTO_IP && type === constants.IP_RECVTOS) {
        into.typeOfService = view.getUint8(data);
      } else if (level === IPPROTO_IPV6 && type === constants.IPV6_TCLASS) {
        into.typeOfService = view.getInt32(data, true);
      }
      at += shape.align(bytes);
    }
  };
}

function controlWriter({ tables, dataOffset }: Shape): WriteControl {
  const { constants, layouts } = tables;
  const header = layouts.cmsghdr.fields;
  const inet6 = layouts.in6Pktinfo;
  const inet = 'inPktinfo' in layouts ? layouts.inPktinfo : undefined;

  function writeHeader(view: DataView, at: number, bytes: number, level: number, type: number) {
    view.setUint32(at + header.len.offset, dataOffset + bytes, true);
    view.setInt32(at + header.level.offset, level, true);
    view.setInt32(at + header.type.offset, type, true);
  }

  function writeInet(view: DataView, offset: number, local: InetAddress): number {
    const data = offset + dataOffset;
    if (inet !== undefined) {
      writeHeader(view, offset, inet.size, constants.IPPROTO_IP, constants.IP_PKTINFO ?? 0);
      view.setInt32(data + inet.fields.ifindex.offset, 0, true);
      view.setInt32(data + inet.fields.spec_dst.offset, local.word0, true);
      view.setInt32(data + inet.fields.addr.offset, 0, true);
      return dataOffset + inet.size;
    }
    // DragonFly takes none: the routes choose.
    if (constants.IP_SENDSRCADDR === undefined) return 0;
    writeHeader(view, offset, 4, constants.IPPROTO_IP, constants.IP_SENDSRCADDR);
    view.setInt32(data, local.word0, true);
    return dataOffset + 4;
  }

  function writeInet6(view: DataView, offset: number, local: InetAddress): number {
    writeHeader(view, offset, inet6.size, constants.IPPROTO_IPV6, constants.IPV6_PKTINFO);
    const data = offset + dataOffset;
    const start = data + inet6.fields.addr.offset;
    view.setInt32(start, local.word0, true);
    view.setInt32(start + 4, local.word1, true);
    view.setInt32(start + 8, local.word2, true);
    view.setInt32(start + 12, local.word3, true);
    view.setInt32(data + inet6.fields.ifindex.offset, local.scope, true);
    return dataOffset + inet6.size;
  }

  return (view, offset, local) => {
    if (local === null) return 0;
    return local.family === 4 ? writeInet(view, offset, local) : writeInet6(view, offset, local);
  };
}

/**
 * IPv6 as on Linux (RFC 3542). For IPv4 the BSDs say and take the bare address: IP_RECVDSTADDR and
 * IP_SENDSRCADDR, ip(4); macOS says it so, too, and takes the struct of Linux. None tells what was dropped.
 */
export function bsdDatagramControl(): DatagramControl {
  const shape = shapeOf(requireBsd());
  const { constants, layouts } = shape.tables;
  const noSuchOption = -(errnoNumber('ENOPROTOOPT') as number);
  const spaceOf = (bytes: number): number => shape.dataOffset + shape.align(bytes);
  const inetBytes = 'inPktinfo' in layouts ? layouts.inPktinfo.size : 4;
  let broadcasts: ReadonlySet<number> = new Set();
  return {
    alignControl: shape.align,
    cutsSegments: false,
    controlBytesMax: spaceOf(inetBytes) + spaceOf(layouts.in6Pktinfo.size) + 2 * spaceOf(4),
    askForLocalAddress(socket, family) {
      broadcasts = broadcastAddresses();
      const { IPPROTO_IP, IPPROTO_IPV6, IP_RECVDSTADDR, IPV6_RECVPKTINFO } = constants;
      return family === 4
        ? setOption(socket, IPPROTO_IP, IP_RECVDSTADDR, 1)
        : setOption(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    },
    askForOverflows: () => noSuchOption,
    countOverflows: () => noSuchOption,
    readControl: controlReader(shape, (word) => broadcasts.has(word)),
    writeControl: controlWriter(shape),
  };
}
