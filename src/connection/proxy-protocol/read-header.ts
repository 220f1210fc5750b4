import { ErrProxyHeader } from '../../base/errors.ts';
import { formatHost } from '../../base/inet-address.ts';
import { isIPv4, isIPv6 } from '../../base/ip-address.ts';
import { formatUnix } from '../../base/unix-address.ts';
import { crc32c } from './crc32c.ts';
import {
  addressBytes,
  addressFamily,
  command,
  extension,
  type ProxiedConnection,
  type ProxiedTls,
  type ProxyExtension,
  uniqueIdBytesMax,
  unixPathBytes,
  version1BytesMax,
  version1Prefix,
  version2FixedBytes,
  version2Signature,
} from './format.ts';

export interface ReadHeader {
  readonly proxied: ProxiedConnection;
  /** What follows is the connection's own. */
  readonly byteLength: number;
}

/** Whether `bytes` are the beginning of a header, as far as they go. */
export function mayBeHeader(bytes: Uint8Array): boolean {
  return isPrefix(bytes, version1Prefix) || isPrefix(bytes, version2Signature);
}

function isPrefix(bytes: Uint8Array, whole: Buffer): boolean {
  const length = Math.min(bytes.length, whole.length);
  return whole.compare(bytes, 0, length, 0, length) === 0;
}

/**
 * The header at the beginning of `bytes`, or null when more bytes must come. The values are copies.
 * @throws ErrProxyHeader for bytes that are no header.
 */
export function readHeader(bytes: Buffer): ReadHeader | null {
  if (!mayBeHeader(bytes)) throw malformed('it begins with other bytes');
  if (bytes.length === 0) return null;
  return bytes[0] === version1Prefix[0] ? readVersion1(bytes) : readVersion2(bytes);
}

const nothingTold: Omit<ProxiedConnection, 'version' | 'source' | 'destination'> = {
  alpn: undefined,
  authority: undefined,
  uniqueId: undefined,
  networkNamespace: undefined,
  tls: undefined,
  extensions: [],
};

function readVersion1(bytes: Buffer): ReadHeader | null {
  const end = bytes.subarray(0, version1BytesMax).indexOf('\r\n');
  if (end === -1) {
    if (bytes.length >= version1BytesMax) {
      throw malformed(`no line end within ${version1BytesMax} bytes`);
    }
    return null;
  }
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', more] =
    bytes.toString('latin1', 0, end).split(' ');
  const byteLength = end + 2;
  if (family === 'UNKNOWN') {
    const addresses = { source: undefined, destination: undefined };
    return { proxied: { version: 1, ...addresses, ...nothingTold }, byteLength };
  }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined) throw malformed('its family is none of TCP4, TCP6 and UNKNOWN');
  if (more !== undefined || !isAddress(source) || !isAddress(destination)) {
    throw malformed(`it does not hold two addresses of ${family} and two ports`);
  }
  if (source.includes('%') || destination.includes('%')) throw malformed('an address has a zone');
  const proxied: ProxiedConnection = {
    version: 1,
    source: withPort(source, portOf(sourcePort)),
    destination: withPort(destination, portOf(destinationPort)),
    ...nothingTold,
  };
  return { proxied, byteLength };
}

function portOf(text: string): number {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(text) || Number(text) > 65_535) {
    throw malformed('a port is not a number from 0 to 65535');
  }
  return Number(text);
}

const withPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function readVersion2(bytes: Buffer): ReadHeader | null {
  if (bytes.length < version2FixedBytes) return null;
  const versionAndCommand = bytes[12] as number;
  if (versionAndCommand >> 4 !== 2) throw malformed('its version is not 2');
  const what = versionAndCommand & 15;
  if (what !== command.local && what !== command.proxy) throw malformed('its command is unknown');
  const byteLength = version2FixedBytes + bytes.readUInt16BE(14);
  if (bytes.length < byteLength) return null;
  // It lives as long as its connection: a piece of the shared pool would keep all of that.
  const header = Buffer.allocUnsafeSlow(byteLength);
  header.set(bytes.subarray(0, byteLength));
  if (what === command.local) {
    // The proxy's own connection: what else the header holds does not count.
    const addresses = { source: undefined, destination: undefined };
    return { proxied: { version: 2, ...addresses, ...nothingTold }, byteLength };
  }
  const family = (header[13] as number) >> 4;
  const extensionsStart = version2FixedBytes + (addressBytes[family] ?? Number.NaN);
  if (!(extensionsStart <= byteLength) || ((header[13] as number) & 15) > 2) {
    throw malformed('its addresses are of no known family, or cut short');
  }
  const extensions = readExtensions(header, extensionsStart, byteLength);
  checkSum(header, extensions);
  return {
    proxied: { version: 2, ...readAddresses(header, family), ...toldBy(extensions), extensions },
    byteLength,
  };
}

function readAddresses(
  header: Buffer,
  family: number,
): Pick<ProxiedConnection, 'source' | 'destination'> {
  const at = version2FixedBytes;
  if (family === addressFamily.ipv4) {
    const host = (start: number): string => header.subarray(start, start + 4).join('.');
    return {
      source: withPort(host(at), header.readUInt16BE(at + 8)),
      destination: withPort(host(at + 4), header.readUInt16BE(at + 10)),
    };
  }
  if (family === addressFamily.ipv6) {
    return {
      source: withPort(formatIPv6(header, at), header.readUInt16BE(at + 32)),
      destination: withPort(formatIPv6(header, at + 16), header.readUInt16BE(at + 34)),
    };
  }
  if (family === addressFamily.unix) {
    const path = (start: number): string => unixPath(header.subarray(start, start + unixPathBytes));
    return { source: path(at), destination: path(at + unixPathBytes) };
  }
  return { source: undefined, destination: undefined };
}

function unixPath(bytes: Buffer): string {
  const end = bytes.indexOf(0, 1);
  const name = bytes.subarray(0, end === -1 ? bytes.length : end).toString();
  return formatUnix(name.startsWith('\0') ? `@${name.slice(1)}` : name);
}

function readExtensions(header: Buffer, start: number, end: number): ProxyExtension[] {
  const extensions: ProxyExtension[] = [];
  let at = start;
  while (at < end) {
    if (at + 3 > end) throw malformed('an extension is cut short');
    const valueStart = at + 3;
    const valueEnd = valueStart + header.readUInt16BE(at + 1);
    if (valueEnd > end) throw malformed('an extension is longer than the header');
    const type = header[at] as number;
    if (type !== extension.noop) {
      extensions.push({ type, value: header.subarray(valueStart, valueEnd) });
    }
    at = valueEnd;
  }
  return extensions;
}

function checkSum(header: Buffer, extensions: readonly ProxyExtension[]): void {
  const found = extensions.find(({ type }) => type === extension.checksum);
  if (found === undefined) return;
  if (found.value.length !== 4) throw malformed('its checksum has not 4 bytes');
  const given = found.value.readUInt32BE(0);
  const offset = found.value.byteOffset - header.byteOffset;
  const cleared = Buffer.from(header).fill(0, offset, offset + 4);
  if (crc32c(cleared) !== given) throw malformed('its checksum does not match');
}

function toldBy(
  extensions: readonly ProxyExtension[],
): Pick<ProxiedConnection, 'alpn' | 'authority' | 'uniqueId' | 'networkNamespace' | 'tls'> {
  const valueAt = (type: number): Buffer | undefined =>
    extensions.find((one) => one.type === type)?.value;
  const uniqueId = valueAt(extension.uniqueId);
  if (uniqueId !== undefined && uniqueId.length > uniqueIdBytesMax) {
    throw malformed(`its unique id is longer than ${uniqueIdBytesMax} bytes`);
  }
  const tls = valueAt(extension.tls);
  return {
    alpn: valueAt(extension.alpn)?.toString(),
    authority: valueAt(extension.authority)?.toString(),
    uniqueId,
    networkNamespace: valueAt(extension.networkNamespace)?.toString(),
    tls: tls === undefined ? undefined : readTls(tls),
  };
}

const tlsBit = { used: 1, certificateOnConnection: 2, certificateInSession: 4 } as const;

function readTls(value: Buffer): ProxiedTls | undefined {
  if (value.length < 5) throw malformed('its TLS extension is cut short');
  const client = value[0] as number;
  const parts = readExtensions(value, 5, value.length);
  if ((client & tlsBit.used) === 0) return undefined;
  const textOf = (type: number): string | undefined =>
    parts.find((part) => part.type === type)?.value.toString();
  const onConnection = (client & tlsBit.certificateOnConnection) !== 0;
  const inSession = (client & tlsBit.certificateInSession) !== 0;
  return {
    clientCertificate: onConnection,
    clientCertificateInSession: inSession,
    // The number is 0 for "verified", also where no certificate was shown.
    verified: value.readUInt32BE(1) === 0 && (onConnection || inSession),
    version: textOf(extension.tlsVersion),
    commonName: textOf(extension.tlsCommonName),
    cipher: textOf(extension.tlsCipher),
    signatureAlgorithm: textOf(extension.tlsSignatureAlgorithm),
    keyAlgorithm: textOf(extension.tlsKeyAlgorithm),
  };
}

function formatIPv6(bytes: Buffer, at: number): string {
  return formatHost({
    family: 6,
    port: 0,
    word0: bytes.readInt32LE(at),
    word1: bytes.readInt32LE(at + 4),
    word2: bytes.readInt32LE(at + 8),
    word3: bytes.readInt32LE(at + 12),
    scope: 0,
  });
}

function malformed(what: string): ErrProxyHeader {
  return new ErrProxyHeader(
    `cannot take a connection: its PROXY header is malformed, ${what}; send a header of version 1 or 2`,
  );
}
