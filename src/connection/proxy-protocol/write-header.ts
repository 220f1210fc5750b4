import { ErrInvalidOption } from '../../base/errors.ts';
import { inetBytes } from '../../base/inet-address.ts';
import { isIP } from '../../base/ip-address.ts';
import { crc32c } from './crc32c.ts';
import {
  addressBytes,
  addressFamily,
  command,
  extension,
  type ProxyExtension,
  uniqueIdBytesMax,
  unixPathBytes,
  version2FixedBytes,
  version2Signature,
} from './format.ts';

/** What to tell a server that expects a PROXY header, as its first bytes. */
export interface ProxyHeader {
  /** 1 is a line of text with addresses only; 2 carries everything. Default 2. */
  readonly version?: 1 | 2;
  /** Who called, in the form of `c.remoteAddr`; left out: the connection is our own. */
  readonly source?: string;
  /** Which of our addresses was called, in the form of `c.localAddr`; goes with `source`. */
  readonly destination?: string;
  /** The following are for version 2. */
  readonly alpn?: string;
  readonly authority?: string;
  /** At most 128 bytes. */
  readonly uniqueId?: Uint8Array;
  /** Further extensions, in this order. */
  readonly extensions?: readonly ProxyExtension[];
}

interface Address {
  readonly family: number;
  /** IPv4 or IPv6, in network order; for Unix sockets the padded path. */
  readonly bytes: Buffer;
  readonly host: string;
  readonly port: number;
}

/** The bytes of a header. @throws ErrInvalidOption for what no header can say. */
export function writeHeader(header: ProxyHeader): Buffer {
  if (typeof header !== 'object' || header === null) {
    throw invalid(
      'that: give an object such as { source: c.remoteAddr, destination: c.localAddr }',
    );
  }
  const { version = 2, source, destination } = header;
  if (version !== 1 && version !== 2) throw invalid(`version ${String(version)}: give 1 or 2`);
  if ((source === undefined) !== (destination === undefined)) {
    throw invalid('one address: give both source and destination, or none');
  }
  const [from, to] =
    source === undefined || destination === undefined
      ? [undefined, undefined]
      : ofOneFamily(parseAddress('source', source), parseAddress('destination', destination));
  return version === 1 ? writeVersion1(header, from, to) : writeVersion2(header, from, to);
}

function writeVersion1(header: ProxyHeader, from?: Address, to?: Address): Buffer {
  const { alpn, authority, uniqueId, extensions } = header;
  if ((alpn ?? authority ?? uniqueId ?? extensions) !== undefined) {
    throw invalid('more than addresses with version 1: leave it out, or use version 2');
  }
  if (from === undefined || to === undefined || from.family === addressFamily.unix) {
    return Buffer.from('PROXY UNKNOWN\r\n');
  }
  const family = from.family === addressFamily.ipv4 ? 'TCP4' : 'TCP6';
  return Buffer.from(`PROXY ${family} ${from.host} ${to.host} ${from.port} ${to.port}\r\n`);
}

function writeVersion2(header: ProxyHeader, from?: Address, to?: Address): Buffer {
  const family = from?.family ?? addressFamily.unspecified;
  const addresses = Buffer.alloc(addressBytes[family] as number);
  if (from !== undefined && to !== undefined) {
    addresses.set(from.bytes, 0);
    addresses.set(to.bytes, from.bytes.length);
    if (family !== addressFamily.unix) {
      addresses.writeUInt16BE(from.port, addresses.length - 4);
      addresses.writeUInt16BE(to.port, addresses.length - 2);
    }
  }
  const checksum = { type: extension.checksum, value: Buffer.alloc(4) };
  const parts = [...extensionsOf(header), checksum].map(writeExtension);
  const rest = Buffer.concat([addresses, ...parts]);
  if (rest.length > 0xffff) throw invalid('more than 65,535 bytes: leave some out');
  const fixed = Buffer.alloc(version2FixedBytes);
  fixed.set(version2Signature);
  fixed[12] = 0x20 | (from === undefined ? command.local : command.proxy);
  fixed[13] = from === undefined ? 0 : (family << 4) | 1;
  fixed.writeUInt16BE(rest.length, 14);
  const bytes = Buffer.concat([fixed, rest]);
  bytes.writeUInt32BE(crc32c(bytes), bytes.length - 4);
  return bytes;
}

function extensionsOf(header: ProxyHeader): ProxyExtension[] {
  const { alpn, authority, uniqueId, extensions = [] } = header;
  if (uniqueId !== undefined && uniqueId.length > uniqueIdBytesMax) {
    throw invalid(`a unique id of ${uniqueId.length} bytes: ${uniqueIdBytesMax} are the most`);
  }
  const known: ProxyExtension[] = [];
  if (alpn !== undefined) known.push({ type: extension.alpn, value: Buffer.from(alpn) });
  if (authority !== undefined) {
    known.push({ type: extension.authority, value: Buffer.from(authority) });
  }
  if (uniqueId !== undefined) {
    known.push({ type: extension.uniqueId, value: Buffer.from(uniqueId) });
  }
  return [...known, ...extensions.filter(({ type }) => type !== extension.checksum)];
}

function writeExtension({ type, value }: ProxyExtension): Buffer {
  if (!Number.isInteger(type) || type < 0 || type > 255 || value.length > 0xffff) {
    throw invalid('an extension: its type is 0 to 255, its value at most 65,535 bytes');
  }
  const head = Buffer.from([type, value.length >> 8, value.length & 255]);
  return Buffer.concat([head, value]);
}

function parseAddress(name: string, text: string): Address {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<four>[\d.]+)):(?<port>\d{1,5})$/.exec(text);
  const host = match?.groups?.['six'] ?? match?.groups?.['four'];
  if (host !== undefined) {
    const family = isIP(host);
    const port = Number(match?.groups?.['port']);
    if (family === 0 || port > 65_535 || host.includes('%')) {
      throw invalid(`${name} ${JSON.stringify(text)}: give it as c.remoteAddr prints it`);
    }
    const kind = family === 4 ? addressFamily.ipv4 : addressFamily.ipv6;
    return { family: kind, bytes: inetBytes(host), host, port };
  }
  const path = text.startsWith('@') ? `\0${text.slice(1)}` : text;
  const bytes = Buffer.from(path);
  if (bytes.length > unixPathBytes) {
    throw invalid(`${name} ${JSON.stringify(text)}: ${unixPathBytes} bytes are the most`);
  }
  const padded = Buffer.concat([bytes, Buffer.alloc(unixPathBytes - bytes.length)]);
  return { family: addressFamily.unix, bytes: padded, host: text, port: 0 };
}

/** An IPv4 address next to an IPv6 one is written as IPv6. */
function ofOneFamily(from: Address, to: Address): [Address, Address] {
  if (from.family === to.family) return [from, to];
  if (from.family === addressFamily.unix || to.family === addressFamily.unix) {
    throw invalid('a Unix path beside an IP address: both must be of one kind');
  }
  const mapped = (address: Address): Address =>
    address.family === addressFamily.ipv6
      ? address
      : {
          ...address,
          family: addressFamily.ipv6,
          bytes: inetBytes(`::ffff:${address.host}`),
          host: `::ffff:${address.host}`,
        };
  return [mapped(from), mapped(to)];
}

function invalid(what: string): ErrInvalidOption {
  return new ErrInvalidOption(`cannot write a PROXY header with ${what}`);
}
