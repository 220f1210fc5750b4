import { syscallError } from '../../syscall/last-errno.ts';
import { getOption, localName, socketFamily } from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import type { DescribedSocket } from '../backend.ts';

const { SOL_SOCKET, SO_TYPE, SO_PROTOCOL, SO_ACCEPTCONN } = constants;
const { IPPROTO_TCP, IPPROTO_MPTCP, IPPROTO_UDP } = constants;

/** Numbers that this system does not have stand for nothing. */
const named = (entries: readonly (readonly [number | undefined, string])[]) =>
  new Map<number | undefined, string>(entries.filter(([number]) => number !== undefined));

const families = named([
  [constants.AF_NETLINK, 'a netlink socket'],
  [constants.AF_PACKET, 'a packet socket'],
  [constants.AF_VSOCK, 'a socket between virtual machines'],
]);

const types = named([
  [constants.SOCK_STREAM, 'stream'],
  [constants.SOCK_DGRAM, 'datagram'],
  [constants.SOCK_SEQPACKET, 'seqpacket'],
]);

/** Of IP. ICMP has datagram sockets, too: those of an unprivileged `ping`. icmp(7) */
const protocols = named([
  [IPPROTO_TCP, 'a TCP socket'],
  [IPPROTO_MPTCP, 'a Multipath TCP socket'],
  [IPPROTO_UDP, 'a UDP socket'],
  [constants.IPPROTO_ICMP, 'an ICMP socket'],
  [constants.IPPROTO_ICMPV6, 'an ICMPv6 socket'],
  [constants.IPPROTO_SCTP, 'an SCTP socket'],
  [constants.IPPROTO_UDPLITE, 'a UDP-Lite socket'],
]);

type Named = Pick<DescribedSocket, 'kind' | 'name'>;

const ask = (descriptor: number, option: number | undefined): number =>
  sure(descriptor, getOption(descriptor, SOL_SOCKET, option));

function sure(descriptor: number, value: number): number {
  if (value >= 0) return value;
  throw syscallError('getsockopt', -value, `use descriptor ${descriptor}`);
}

function nameUnix(type: number): Named {
  const kind = type === constants.SOCK_STREAM ? 'unix' : 'other';
  return { kind, name: `a Unix ${types.get(type) ?? `type ${type}`} socket` };
}

function nameIp(type: number, protocol: number): Named {
  if (type === constants.SOCK_RAW) return { kind: 'other', name: 'a raw socket' };
  const name = protocols.get(protocol) ?? `a socket of IP protocol ${protocol}`;
  const isTcp = protocol === IPPROTO_TCP || protocol === IPPROTO_MPTCP;
  if (type === constants.SOCK_STREAM && isTcp) return { kind: 'tcp', name };
  const isUdp = type === constants.SOCK_DGRAM && protocol === IPPROTO_UDP;
  return { kind: isUdp ? 'udp' : 'other', name };
}

/** Where the kernel does not tell, the usual one of that type. */
function protocolOf(descriptor: number, type: number): number {
  if (SO_PROTOCOL !== undefined) return ask(descriptor, SO_PROTOCOL);
  return type === constants.SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

/**
 * What a descriptor is that somebody else opened. socket(7) SO_DOMAIN, SO_TYPE, SO_PROTOCOL,
 * SO_ACCEPTCONN
 * @throws SyscallError EBADF; ENOTSOCK for what is no socket.
 */
export function describeSocket(descriptor: number): DescribedSocket {
  const type = ask(descriptor, SO_TYPE);
  const domain = sure(descriptor, socketFamily(descriptor));
  const isIpv6 = domain === constants.AF_INET6;
  const { IPPROTO_IPV6, IPV6_V6ONLY } = constants;
  let what: Named;
  if (domain === constants.AF_UNIX) what = nameUnix(type);
  else if (isIpv6 || domain === constants.AF_INET) {
    what = nameIp(type, protocolOf(descriptor, type));
  } else {
    const name = families.get(domain) ?? `a socket of address family ${domain}`;
    what = { kind: 'other', name };
  }
  return {
    ...what,
    family: isIpv6 ? 6 : 4,
    v6Only: isIpv6 && getOption(descriptor, IPPROTO_IPV6, IPV6_V6ONLY) === 1,
    listens: ask(descriptor, SO_ACCEPTCONN) !== 0,
    address: what.kind === 'other' ? '' : localName(descriptor),
  };
}
