import { syscallError } from '../../syscall/last-errno.ts';
import { getOption, localName } from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import type { DescribedSocket } from '../backend.ts';

const { SOL_SOCKET, SO_DOMAIN, SO_TYPE, SO_PROTOCOL, SO_ACCEPTCONN } = constants;
const { IPPROTO_TCP, IPPROTO_MPTCP, IPPROTO_UDP } = constants;

const families = new Map<number, string>([
  [constants.AF_NETLINK, 'a netlink socket'],
  [constants.AF_PACKET, 'a packet socket'],
  [constants.AF_VSOCK, 'a socket between virtual machines'],
]);

const types = new Map<number, string>([
  [constants.SOCK_STREAM, 'stream'],
  [constants.SOCK_DGRAM, 'datagram'],
  [constants.SOCK_SEQPACKET, 'seqpacket'],
]);

/** Of IP. ICMP has datagram sockets, too: those of an unprivileged `ping`. icmp(7) */
const protocols = new Map<number, string>([
  [IPPROTO_TCP, 'a TCP socket'],
  [IPPROTO_MPTCP, 'a Multipath TCP socket'],
  [IPPROTO_UDP, 'a UDP socket'],
  [constants.IPPROTO_ICMP, 'an ICMP socket'],
  [constants.IPPROTO_ICMPV6, 'an ICMPv6 socket'],
  [constants.IPPROTO_SCTP, 'an SCTP socket'],
  [constants.IPPROTO_UDPLITE, 'a UDP-Lite socket'],
]);

type Named = Pick<DescribedSocket, 'kind' | 'name'>;

function ask(descriptor: number, option: number): number {
  const value = getOption(descriptor, SOL_SOCKET, option);
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

/**
 * What a descriptor is that somebody else opened. socket(7) SO_DOMAIN, SO_TYPE, SO_PROTOCOL,
 * SO_ACCEPTCONN
 * @throws SyscallError EBADF; ENOTSOCK for what is no socket.
 */
export function describeSocket(descriptor: number): DescribedSocket {
  const domain = ask(descriptor, SO_DOMAIN);
  const type = ask(descriptor, SO_TYPE);
  const isIpv6 = domain === constants.AF_INET6;
  const { IPPROTO_IPV6, IPV6_V6ONLY } = constants;
  let named: Named;
  if (domain === constants.AF_UNIX) named = nameUnix(type);
  else if (isIpv6 || domain === constants.AF_INET) {
    named = nameIp(type, ask(descriptor, SO_PROTOCOL));
  } else {
    const name = families.get(domain) ?? `a socket of address family ${domain}`;
    named = { kind: 'other', name };
  }
  return {
    ...named,
    family: isIpv6 ? 6 : 4,
    v6Only: isIpv6 && getOption(descriptor, IPPROTO_IPV6, IPV6_V6ONLY) === 1,
    listens: ask(descriptor, SO_ACCEPTCONN) === 1,
    address: named.kind === 'other' ? '' : localName(descriptor),
  };
}
