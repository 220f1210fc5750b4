import { syscallError } from '../../syscall/last-errno.ts';
import { getOption, localName } from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import type { DescribedSocket } from '../backend.ts';

const { SOL_SOCKET, SO_DOMAIN, SO_TYPE, SO_ACCEPTCONN } = constants;

function ask(descriptor: number, option: number): number {
  const value = getOption(descriptor, SOL_SOCKET, option);
  if (value >= 0) return value;
  throw syscallError('getsockopt', -value, `use descriptor ${descriptor}`);
}

function kindOf(domain: number, type: number): DescribedSocket['kind'] {
  const isStream = type === constants.SOCK_STREAM;
  if (domain === constants.AF_UNIX) return isStream ? 'unix' : 'other';
  if (domain !== constants.AF_INET && domain !== constants.AF_INET6) return 'other';
  if (isStream) return 'tcp';
  return type === constants.SOCK_DGRAM ? 'udp' : 'other';
}

/**
 * What a descriptor is that somebody else opened. socket(7) SO_DOMAIN, SO_TYPE, SO_ACCEPTCONN
 * @throws SyscallError EBADF; ENOTSOCK for what is no socket.
 */
export function describeSocket(descriptor: number): DescribedSocket {
  const domain = ask(descriptor, SO_DOMAIN);
  const kind = kindOf(domain, ask(descriptor, SO_TYPE));
  const isIpv6 = domain === constants.AF_INET6;
  const { IPPROTO_IPV6, IPV6_V6ONLY } = constants;
  return {
    kind,
    family: isIpv6 ? 6 : 4,
    v6Only: isIpv6 && getOption(descriptor, IPPROTO_IPV6, IPV6_V6ONLY) === 1,
    listens: ask(descriptor, SO_ACCEPTCONN) === 1,
    address: localName(descriptor),
  };
}
