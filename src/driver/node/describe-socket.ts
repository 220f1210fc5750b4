import { fstatSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { ErrUnsupportedOp } from '../../base/errors.ts';
import { formatUnix } from '../../base/unix-address.ts';
import type { DescribedSocket } from '../backend.ts';
import { addressText } from './address-text.ts';
import { runtimeError } from './runtime-error.ts';

/** `st` of a listening TCP socket, and `Flags` of a Unix one. proc(5) */
const tcpListens = '0A';
const unixListens = 0x10000;
/** `Type` of a Unix socket. */
const unixTypes = new Map([
  ['0001', 'stream'],
  ['0002', 'datagram'],
  ['0005', 'seqpacket'],
]);
const unixStream = '0001';

/** What the system tells of this process, where it does. proc(5) */
const ownLists = '/proc/self';

/** Lists of sockets that no driver uses: their column of inodes, and what is in them. */
const otherLists: readonly (readonly [list: string, inode: number, name: string])[] = [
  ['icmp', 9, 'an ICMP socket'],
  ['icmp6', 9, 'an ICMPv6 socket'],
  ['raw', 9, 'a raw socket'],
  ['raw6', 9, 'a raw socket'],
  ['udplite', 9, 'a UDP-Lite socket'],
  ['udplite6', 9, 'a UDP-Lite socket'],
  ['netlink', 9, 'a netlink socket'],
  ['packet', 8, 'a packet socket'],
];

type Family = 4 | 6;

function linesOf(list: string): string[][] {
  let text: string;
  try {
    text = readFileSync(`${ownLists}/net/${list}`, 'latin1');
  } catch {
    return []; // no such list here: IPv6 is switched off
  }
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}

/** Words in the byte order of the machine, which is little-endian everywhere that this runs. */
function hostOf(hex: string, family: Family): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (family === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function inetSocket(list: string, inode: string): DescribedSocket | undefined {
  const family: Family = list.endsWith('6') ? 6 : 4;
  const found = linesOf(list).find((words) => words[9] === inode);
  const [, local = '', , state] = found ?? [];
  if (found === undefined) return undefined;
  const [host = '', port = ''] = local.split(':');
  const isTcp = list.startsWith('tcp');
  return {
    kind: isTcp ? 'tcp' : 'udp',
    name: isTcp ? 'a TCP socket' : 'a UDP socket',
    family,
    // The lists do not tell, and nothing is opened by it.
    v6Only: false,
    listens: isTcp && state === tcpListens,
    address: addressText(hostOf(host, family), Number.parseInt(port, 16)),
  };
}

function unixSocket(inode: string): DescribedSocket | undefined {
  const found = linesOf('unix').find((words) => words[6] === inode);
  if (found === undefined) return undefined;
  const type = found[4] ?? '';
  return {
    kind: type === unixStream ? 'unix' : 'other',
    name: `a Unix ${unixTypes.get(type) ?? `type ${type}`} socket`,
    family: 4,
    v6Only: false,
    listens: (Number.parseInt(found[3] ?? '0', 16) & unixListens) !== 0,
    address: formatUnix(found.slice(7).join(' ') || '@'),
  };
}

/** Without a system call nobody tells more. */
const unlisted = 'a socket that is bound to nothing, or that /proc/net does not list';

function otherSocket(inode: string): DescribedSocket {
  const list = otherLists.find(([file, at]) => linesOf(file).some((words) => words[at] === inode));
  const name = list?.[2] ?? unlisted;
  return { kind: 'other', name, family: 4, v6Only: false, listens: false, address: '' };
}

/** @throws ErrUnsupportedOp where the system has no such lists, or this process may not read them. */
function inodeOf(descriptor: number, lists: string): string {
  try {
    return /\d+/.exec(readlinkSync(`${lists}/fd/${descriptor}`))?.[0] ?? '';
  } catch (cause) {
    throw new ErrUnsupportedOp(
      `cannot use descriptor ${descriptor}: the driver 'node' knows what it is from ${lists} alone, ` +
        'which cannot be read here; use a native driver for that',
      { cause },
    );
  }
}

/**
 * What a descriptor is that somebody else opened, without a system call of our own: as the system's lists
 * of sockets have it.
 * @throws SyscallError EBADF; ENOTSOCK for what is no socket; ErrUnsupportedOp.
 */
export function describeSocket(descriptor: number, lists: string = ownLists): DescribedSocket {
  const action = `use descriptor ${descriptor}`;
  let isSocket: boolean;
  try {
    isSocket = fstatSync(descriptor).isSocket();
  } catch (error) {
    throw runtimeError(error, 'fstat', action, '');
  }
  if (!isSocket) {
    throw runtimeError({ code: 'ENOTSOCK', syscall: 'getsockopt' }, 'getsockopt', action, '');
  }
  const inode = inodeOf(descriptor, lists);
  for (const list of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const found = inetSocket(list, inode);
    if (found !== undefined) return found;
  }
  return unixSocket(inode) ?? otherSocket(inode);
}

/** The kind of a connected socket of the runtime, and our end of it. */
export function ownEnd(socket: Socket): {
  readonly kind: 'tcp' | 'unix';
  readonly address: string;
} {
  const { localAddress, localPort } = socket;
  if (localAddress !== undefined) {
    return { kind: 'tcp', address: addressText(localAddress, localPort) };
  }
  const { server } = socket as { server?: { address(): unknown } | null };
  const path = server?.address();
  return { kind: 'unix', address: formatUnix(typeof path === 'string' ? path : '@') };
}
