import type { SyscallError } from '../base/errors.ts';
import { formatInet } from '../base/inet-address.ts';
import { errnoNumber } from '../platform/index.ts';
import { syscallError } from '../platform/syscall-error.ts';
import type { DatagramPeer } from './contract.ts';

/** 65,535 bytes less the headers that count: udp(7), RFC 768; RFC 8200 does not count its own. */
const payloadBytesMax4 = 65_507;
const payloadBytesMax6 = 65_527;

export interface SendingSocket {
  readonly family: 4 | 6;
  readonly v6Only: boolean;
}

const isMapped = ({ word0, word1, word2 }: DatagramPeer): boolean =>
  word0 === 0 && word1 === 0 && word2 >>> 0 === 0xff_ff_00_00;

/**
 * The name of the errno with which Linux refuses to send that much there; null: it takes it. For drivers
 * that do not ask it, or hear its answer too late.
 */
export function refusedBecause(
  { family, v6Only }: SendingSocket,
  to: DatagramPeer,
  byteLength: number,
): string | null {
  const goesBy4 = to.family === 4 || isMapped(to);
  if (family === 4 && to.family !== 4) return 'EAFNOSUPPORT';
  if (family === 6 && v6Only && goesBy4) return 'ENETUNREACH';
  if (byteLength > 65_535) return 'EMSGSIZE';
  if (to.port === 0) return 'EINVAL';
  return byteLength > (goesBy4 ? payloadBytesMax4 : payloadBytesMax6) ? 'EMSGSIZE' : null;
}

/** As the native drivers have it. */
export function datagramRefusal(name: string, to: DatagramPeer): SyscallError {
  const address = formatInet(to);
  return syscallError('sendmmsg', errnoNumber(name) ?? 0, `send a datagram to ${address}`, address);
}

/** Nobody listens at the address that a socket is connected to. */
export function nobodyThere(address: string): SyscallError {
  const errno = errnoNumber('ECONNREFUSED') ?? 0;
  return syscallError('recvmmsg', errno, `reach ${address} by datagrams`, address);
}
