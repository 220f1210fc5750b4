import { isIPv4 } from 'node:net';
import { assert } from '../base/assert.ts';
import { ErrInvalidNetworkAddress } from '../base/errors.ts';
import { constants, layouts } from './tables.ts';

/** Largest socket address of the families we use: sockaddr_un. */
export const socketAddressBytesMax: number = layouts.sockaddrUn.size + 2;

const inet = layouts.sockaddrIn.fields;
const inet6 = layouts.sockaddrIn6.fields;
const unixPathOffset = layouts.sockaddrUn.fields.path.offset;
const unixPathBytesMax = layouts.sockaddrUn.fields.path.size;

/** An IP address in the kernel's terms; the four words hold its bytes in memory order. */
export interface InetAddress {
  family: 0 | 4 | 6;
  port: number;
  word0: number;
  word1: number;
  word2: number;
  word3: number;
  scope: number;
}

export function emptyInetAddress(): InetAddress {
  return { family: 0, port: 0, word0: 0, word1: 0, word2: 0, word3: 0, scope: 0 };
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

/** Writes a sockaddr_in or sockaddrIn6 at `offset`; returns its length. */
export function writeInet(view: DataView, offset: number, address: InetAddress): number {
  if (address.family === 4) {
    view.setUint16(offset + inet.family.offset, constants.AF_INET, true);
    view.setUint16(offset + inet.port.offset, address.port);
    view.setInt32(offset + inet.addr.offset, address.word0, true);
    view.setInt32(offset + inet.zero.offset, 0, true);
    view.setInt32(offset + inet.zero.offset + 4, 0, true);
    return layouts.sockaddrIn.size;
  }
  view.setUint16(offset + inet6.family.offset, constants.AF_INET6, true);
  view.setUint16(offset + inet6.port.offset, address.port);
  view.setInt32(offset + inet6.flowinfo.offset, 0, true);
  view.setInt32(offset + inet6.addr.offset, address.word0, true);
  view.setInt32(offset + inet6.addr.offset + 4, address.word1, true);
  view.setInt32(offset + inet6.addr.offset + 8, address.word2, true);
  view.setInt32(offset + inet6.addr.offset + 12, address.word3, true);
  view.setInt32(offset + inet6.scope_id.offset, address.scope, true);
  return layouts.sockaddrIn6.size;
}

/** Reads what `writeInet` writes; family 0 when it is neither. */
export function readInet(view: DataView, offset: number, into: InetAddress): void {
  const family = view.getUint16(offset, true);
  into.word1 = into.word2 = into.word3 = into.scope = 0;
  if (family === constants.AF_INET) {
    into.family = 4;
    into.port = view.getUint16(offset + inet.port.offset);
    into.word0 = view.getInt32(offset + inet.addr.offset, true);
  } else if (family === constants.AF_INET6) {
    into.family = 6;
    into.port = view.getUint16(offset + inet6.port.offset);
    into.word0 = view.getInt32(offset + inet6.addr.offset, true);
    into.word1 = view.getInt32(offset + inet6.addr.offset + 4, true);
    into.word2 = view.getInt32(offset + inet6.addr.offset + 8, true);
    into.word3 = view.getInt32(offset + inet6.addr.offset + 12, true);
    into.scope = view.getInt32(offset + inet6.scope_id.offset, true);
  } else {
    into.family = 0;
    into.port = 0;
    into.word0 = 0;
  }
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

/** `127.0.0.1` or `::1`; an IPv4 peer of a dual-stack socket prints as plain IPv4 (SPEC 1.2). */
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
 * Writes a sockaddr_un; returns its length. `@name` is the abstract name `name`, `@` alone an
 * address without a name, for which the kernel picks an abstract one (unix(7), autobind).
 * @throws ErrInvalidNetworkAddress when the path is longer than 107 bytes.
 */
export function writeUnix(bytes: Buffer, view: DataView, offset: number, path: string): number {
  view.setUint16(offset, constants.AF_UNIX, true);
  if (path === '@') return unixPathOffset;
  const abstract = path.startsWith('@');
  const name = Buffer.from(path);
  if (name.length > unixPathBytesMax - (abstract ? 0 : 1)) {
    throw new ErrInvalidNetworkAddress(
      `cannot use the Unix path ${path}: it has ${name.length} bytes, at most ${unixPathBytesMax - 1} fit; use a shorter or a relative path`,
      { address: path },
    );
  }
  bytes.set(name, offset + unixPathOffset);
  if (abstract) bytes[offset + unixPathOffset] = 0;
  else bytes[offset + unixPathOffset + name.length] = 0;
  return unixPathOffset + name.length + (abstract ? 0 : 1);
}

/** The path in a sockaddr_un of `length` bytes; `@` for an unnamed socket (SPEC 1.5). */
export function readUnix(bytes: Buffer, offset: number, length: number): string {
  const start = offset + unixPathOffset;
  const end = offset + length;
  if (end <= start) return '@';
  if (bytes[start] === 0) return `@${bytes.toString('utf8', start + 1, end)}`;
  const terminator = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, terminator === -1 || terminator > end ? end : terminator);
}
