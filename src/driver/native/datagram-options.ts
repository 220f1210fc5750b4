import { isIPv4 } from '../../base/ip-address.ts';
import { errnoNumber } from '../../platform/index.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import {
  changeMembership,
  interfaceIndex,
  setMulticastInterface,
  setOption,
} from '../../syscall/socket.ts';
import { inetAddress } from '../../syscall/socket-address.ts';
import { constants } from '../../syscall/tables.ts';
import type { DatagramExtras, Membership } from '../contract.ts';
import { interfaceName, noInterface } from '../network-interface.ts';

const { IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP } = constants;
const addressInUse = errnoNumber('EADDRINUSE') as number;

function indexOf(nameOrAddress: string): number {
  // Also one without an address, which the runtime does not list.
  const index = interfaceIndex(nameOrAddress) || interfaceIndex(interfaceName(nameOrAddress));
  if (index === 0) throw noInterface(nameOrAddress);
  return index;
}

/** One option at the level of each family that the socket speaks. */
interface Pair {
  readonly name: string;
  /** Undefined where the system has no such option. */
  readonly of4: number | undefined;
  readonly of6: number | undefined;
}

const pairs = {
  loop: {
    name: 'IP_MULTICAST_LOOP',
    of4: constants.IP_MULTICAST_LOOP,
    of6: constants.IPV6_MULTICAST_LOOP,
  },
  ttl: {
    name: 'IP_MULTICAST_TTL',
    of4: constants.IP_MULTICAST_TTL,
    of6: constants.IPV6_MULTICAST_HOPS,
  },
  mtu: {
    name: constants.IP_MTU_DISCOVER === undefined ? 'IP_DONTFRAG' : 'IP_MTU_DISCOVER',
    of4: constants.IP_MTU_DISCOVER ?? constants.IP_DONTFRAG,
    of6: constants.IPV6_MTU_DISCOVER ?? constants.IPV6_DONTFRAG,
  },
  tos: { name: 'IP_TOS', of4: constants.IP_TOS, of6: constants.IPV6_TCLASS },
  readTos: { name: 'IP_RECVTOS', of4: constants.IP_RECVTOS, of6: constants.IPV6_RECVTCLASS },
} as const;

function check(result: number, name: string, address: string): void {
  if (result < 0) throw syscallError('setsockopt', -result, `set ${name} for ${address}`, address);
}

function setPair(socket: number, family: 4 | 6, pair: Pair, value: number, address: string): void {
  // A socket of IPv6 alone takes the options of IPv4, too, and has no use for them.
  check(setOption(socket, IPPROTO_IP, pair.of4, value), pair.name, address);
  if (family === 6) check(setOption(socket, IPPROTO_IPV6, pair.of6, value), pair.name, address);
}

/** @throws SyscallError, ErrInvalidOption for an interface that is not there. */
export function setDatagramExtras(
  socket: number,
  family: 4 | 6,
  extras: DatagramExtras | undefined,
  address: string,
): void {
  // Without this a socket hears every group that anybody on the machine has joined.
  setOption(socket, IPPROTO_IP, constants.IP_MULTICAST_ALL, 0);
  if (family === 6) setOption(socket, IPPROTO_IPV6, constants.IPV6_MULTICAST_ALL, 0);
  if (extras === undefined) return;
  const { multicastLoop, multicastTtl, multicastInterface, dontFragment, typeOfService } = extras;
  if (multicastLoop !== undefined) {
    setPair(socket, family, pairs.loop, multicastLoop ? 1 : 0, address);
  }
  if (multicastTtl !== undefined) setPair(socket, family, pairs.ttl, multicastTtl, address);
  if (multicastInterface !== undefined) {
    const index = indexOf(multicastInterface);
    check(setMulticastInterface(socket, index), 'IP_MULTICAST_IF', address);
    if (family === 6) {
      const result = setOption(socket, IPPROTO_IPV6, constants.IPV6_MULTICAST_IF, index);
      check(result, 'IPV6_MULTICAST_IF', address);
    }
  }
  if (dontFragment === true) {
    setPair(socket, family, pairs.mtu, constants.IP_PMTUDISC_DO ?? 1, address);
    if (family === 6) setOption(socket, IPPROTO_IPV6, constants.IPV6_DONTFRAG, 1);
  }
  if (typeOfService !== undefined) setSentTypeOfService(socket, family, typeOfService, address);
  if (extras.receiveTypeOfService === true) setPair(socket, family, pairs.readTos, 1, address);
}

export function setSentTypeOfService(
  socket: number,
  family: 4 | 6,
  value: number,
  address: string,
): void {
  setPair(socket, family, pairs.tos, value, address);
}

/** False where the kernel has none: datagrams come one by one then. udp(7) */
export function askForCoalescing(socket: number): boolean {
  return setOption(socket, IPPROTO_UDP, constants.UDP_GRO, 1) === 0;
}

/** @throws SyscallError, ErrInvalidOption. */
export function changeMembershipOf(
  socket: number,
  joins: boolean,
  { group, source, interface: through }: Membership,
): void {
  const family = isIPv4(group) ? 4 : 6;
  const index = through === undefined ? 0 : indexOf(through);
  const from = source === undefined ? null : inetAddress(family, source, 0);
  const result = changeMembership(socket, joins, inetAddress(family, group, 0), from, index);
  // It has joined already: before, or in the process that had the socket before.
  if (result === 0 || (joins && result === -addressInUse)) return;
  throw syscallError('setsockopt', -result, `${joins ? 'join' : 'leave'} ${group}`, group);
}
