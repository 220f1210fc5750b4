import { ErrInvalidNetworkAddress } from '../base/errors.ts';
import type { InetAddress } from '../base/inet-address.ts';
import { formatUnix, hasAbstractNames, noAbstractNames } from '../base/unix-address.ts';
import { constants, layouts } from './tables.ts';

export {
  emptyInetAddress,
  formatHost,
  formatInet,
  type InetAddress,
  inetAddress,
  inetBytes,
} from '../base/inet-address.ts';

/** Largest socket address of the families we use: sockaddr_un. */
export const socketAddressBytesMax: number = layouts.sockaddrUn.size + 2;

const inet = layouts.sockaddrIn.fields;
const inet6 = layouts.sockaddrIn6.fields;
const unixPathOffset = layouts.sockaddrUn.fields.path.offset;
const unixPathBytesMax = layouts.sockaddrUn.fields.path.size;

/**
 * What an address begins with, as 16 bits: the family alone, or its own length and a family of 8 bits.
 */
const familyShift = 'len' in layouts.sockaddr.fields ? 8 : 0;
const familyMask = 0xffff & (0xffff << familyShift);
const headOf = (family: number, length: number): number =>
  familyShift === 0 ? family : (family << familyShift) | length;
const inetHead = headOf(constants.AF_INET, layouts.sockaddrIn.size);
const inet6Head = headOf(constants.AF_INET6, layouts.sockaddrIn6.size);
const inetFamily = constants.AF_INET << familyShift;
const inet6Family = constants.AF_INET6 << familyShift;

/** The AF_ number of the address at `offset`. */
export function readFamily(view: DataView, offset: number): number {
  return (view.getUint16(offset, true) & familyMask) >> familyShift;
}

/** Writes a sockaddr_in or sockaddrIn6 at `offset`; returns its length. */
export function writeInet(view: DataView, offset: number, address: InetAddress): number {
  if (address.family === 4) {
    view.setUint16(offset, inetHead, true);
    view.setUint16(offset + inet.port.offset, address.port);
    view.setInt32(offset + inet.addr.offset, address.word0, true);
    view.setInt32(offset + inet.zero.offset, 0, true);
    view.setInt32(offset + inet.zero.offset + 4, 0, true);
    return layouts.sockaddrIn.size;
  }
  view.setUint16(offset, inet6Head, true);
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
  const family = view.getUint16(offset, true) & familyMask;
  into.word1 = into.word2 = into.word3 = into.scope = 0;
  if (family === inetFamily) {
    into.family = 4;
    into.port = view.getUint16(offset + inet.port.offset);
    into.word0 = view.getInt32(offset + inet.addr.offset, true);
  } else if (family === inet6Family) {
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

/**
 * Writes a sockaddr_un; returns its length. `@name` is the abstract name `name`, `@` alone an
 * address without a name, for which the kernel picks an abstract one (unix(7), autobind).
 * A path that fills `sun_path` has no terminating zero: the length says where it ends.
 * @throws ErrInvalidNetworkAddress when the path is longer than the system takes (108 bytes on Linux), or
 * an abstract name elsewhere than on Linux.
 */
export function writeUnix(bytes: Buffer, view: DataView, offset: number, path: string): number {
  // The kernel writes the length itself.
  view.setUint16(offset, constants.AF_UNIX << familyShift, true);
  if (path.startsWith('@') && !hasAbstractNames()) throw noAbstractNames(path);
  if (path === '@') return unixPathOffset;
  const abstract = path.startsWith('@');
  const name = Buffer.from(path);
  if (name.length > unixPathBytesMax) {
    throw new ErrInvalidNetworkAddress(
      `cannot use the Unix path ${path}: it has ${name.length} bytes, at most ${unixPathBytesMax} fit; use a shorter or a relative path`,
      { address: path },
    );
  }
  bytes.set(name, offset + unixPathOffset);
  if (abstract) bytes[offset + unixPathOffset] = 0;
  if (abstract || name.length === unixPathBytesMax) return unixPathOffset + name.length;
  bytes[offset + unixPathOffset + name.length] = 0;
  return unixPathOffset + name.length + 1;
}

/** The path in a sockaddr_un of `length` bytes, as `formatUnix` prints it. */
export function readUnix(bytes: Buffer, offset: number, length: number): string {
  const start = offset + unixPathOffset;
  const end = offset + length;
  if (end <= start) return '@';
  if (bytes[start] === 0 && !hasAbstractNames()) return '@';
  if (bytes[start] === 0) return formatUnix(`@${bytes.toString('utf8', start + 1, end)}`);
  const terminator = bytes.indexOf(0, start);
  const pathEnd = terminator === -1 || terminator > end ? end : terminator;
  return formatUnix(bytes.toString('utf8', start, pathEnd));
}
