import { assert } from './assert.ts';
import { isIPv4 } from './ip-address.ts';

/** An IP address in the kernel's terms, without a string. */
export interface InetAddress {
  family: 0 | 4 | 6;
  port: number;
  /** IPv4: `word0`; IPv6: all four; the bytes in network order, as a little-endian load reads them. */
  word0: number;
  word1: number;
  word2: number;
  word3: number;
  scope: number;
}

export function emptyInetAddress(): InetAddress {
  return { family: 0, port: 0, word0: 0, word1: 0, word2: 0, word3: 0, scope: 0 };
}

/** Whether it is one host, at whatever port. */
export function isSameHost(one: InetAddress, other: InetAddress): boolean {
  return (
    one.word0 === other.word0 &&
    one.word3 === other.word3 &&
    one.word1 === other.word1 &&
    one.word2 === other.word2 &&
    one.scope === other.scope &&
    one.family === other.family
  );
}

function parseIPv6Groups(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const groupsOf = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => {
          if (!group.includes('.')) return [Number.parseInt(group, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
          return [(a << 8) | b, (c << 8) | d];
        });
  const before = groupsOf(head);
  if (tail === undefined) return before;
  const after = groupsOf(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** The 4 or 16 bytes of a literal that `node:net` accepts as an IP address. */
export function inetBytes(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number));
  const groups = parseIPv6Groups(host);
  assert(groups.length === 8, `an IPv6 literal has eight groups: ${host}`);
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** An address from a literal, as `listen` and `connect` need it. */
export function inetAddress(family: 4 | 6, host: string, port: number): InetAddress {
  const bytes = inetBytes(host);
  const address = emptyInetAddress();
  address.family = family;
  address.port = port;
  address.word0 = bytes.readInt32LE(0);
  if (family === 6) {
    address.word1 = bytes.readInt32LE(4);
    address.word2 = bytes.readInt32LE(8);
    address.word3 = bytes.readInt32LE(12);
  }
  return address;
}

/** Bytes 0..n-1 of the address, most significant first. */
function bytesOf(address: InetAddress): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(address.word0, 0);
  bytes.writeInt32LE(address.word1, 4);
  bytes.writeInt32LE(address.word2, 8);
  bytes.writeInt32LE(address.word3, 12);
  return bytes;
}

/** The longest run of at least two zero groups, as RFC 5952 section 4.2 abbreviates it. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  let start = -1;
  groups.forEach((group, index) => {
    if (group !== 0) start = -1;
    else if (start === -1) start = index;
    const length = start === -1 ? 0 : index - start + 1;
    if (length > best.length) best = { start, length };
  });
  return best;
}

const ipv4Mapped = -65_536; // 00 00 ff ff in memory order

/** An IPv4 address as a socket for both families names it. */
export function mappedInet({ port, word0 }: InetAddress): InetAddress {
  return { family: 6, port, word0: 0, word1: 0, word2: ipv4Mapped, word3: word0, scope: 0 };
}

/** `127.0.0.1` or `::1`; an IPv4 peer of a dual-stack socket prints as plain IPv4. */
export function formatHost(address: InetAddress): string {
  const mapped =
    address.family === 6 &&
    address.word0 === 0 &&
    address.word1 === 0 &&
    address.word2 === ipv4Mapped;
  if (address.family === 4 || mapped) {
    const word = mapped ? address.word3 : address.word0;
    return `${word & 255}.${(word >>> 8) & 255}.${(word >>> 16) & 255}.${word >>> 24}`;
  }
  const bytes = bytesOf(address);
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  const zeros = longestZeroRun(groups);
  const hex = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(':');
  if (zeros.start === -1) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

/** `127.0.0.1:9000`, `[::1]:9000`. */
export function formatInet(address: InetAddress): string {
  const host = formatHost(address);
  return host.includes(':') ? `[${host}]:${address.port}` : `${host}:${address.port}`;
}

/**
 * Whether one socket can be for IPv6 and IPv4. OpenBSD and DragonFly know no addresses of IPv4 on sockets of
 * IPv6: OpenBSD refuses to clear IPV6_V6ONLY, DragonFly takes that and does nothing. ip6(4)
 */
export function hasDualStack(system: string = process.platform): boolean {
  return system !== 'openbsd' && system !== 'dragonfly';
}

/** The port of an address that `formatInet` made; 0 of a Unix path, which begins with none of those. */
export function portIn(address: string): number {
  return /^[\d[]/.test(address) ? Number(address.slice(address.lastIndexOf(':') + 1)) : 0;
}
