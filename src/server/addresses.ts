/**
 * The text of an address -> what it names -> the driver's `Endpoint`.
 *
 * | text                                  | endpoint                                          |
 * |---------------------------------------|---------------------------------------------------|
 * | ``, `tcp://`, `:0`, `tcp://:0`        | any interface, a free port                        |
 * | `tcp://:P`                            | IPv6 that takes IPv4 too; IPv4 where IPv6 is not  |
 * | `tcp4://:P`, `tcp://0.0.0.0:P`        | IPv4 only                                         |
 * | `tcp6://:P`, `tcp://[::]:P`           | IPv6 only                                         |
 * | `tcp://name:P`                        | first IPv4 address of the name, else first IPv6   |
 * | `unix://path`, `unix://@name`         | that path, case kept; an abstract name            |
 * | `unix://`                             | an abstract name that the kernel picks            |
 * | `/path`, `./path`, `../path`, `@name` | the same without the scheme, as they are printed  |
 * | `fd://3`                              | the socket that this descriptor is                |
 * | `systemd://`, `systemd://name`        | what systemd passes; only those of that name      |
 *
 * `tls://` is `tcp://` with TLS. udp, udp4 and udp6 follow the same rules. `docs/errors.md` lists
 * what is refused. Whom to dial is more: all addresses of a name, in the order of the name service;
 * no host is this machine.
 */
import { networkInterfaces } from 'node:os';
import { ErrInvalidNetworkAddress, ErrUnsupportedProtocol } from '../base/errors.ts';
import { hasDualStack } from '../base/inet-address.ts';
import { isIP, isIPv4 } from '../base/ip-address.ts';
import { unixPathBytesMax } from '../base/unix-address.ts';
import type { Endpoint } from '../driver/contract.ts';

export type InternetNetwork = 'tcp' | 'tcp4' | 'tcp6' | 'tls' | 'udp' | 'udp4' | 'udp6';
export type Network = InternetNetwork | 'unix';
export type GivenNetwork = 'fd' | 'systemd';

/** An address as it was written; nothing has been looked up. */
export type ParsedAddress =
  | {
      readonly network: InternetNetwork;
      /** A name or a literal without brackets; empty for any interface. */
      readonly host: string;
      /** 0..65535; 0 asks for a free one. */
      readonly port: number;
      readonly text: string;
    }
  /** `path` begins with `@` for an abstract name; `@` alone lets the kernel pick one. */
  | { readonly network: 'unix'; readonly path: string; readonly text: string };

/** A socket that is there already, by its number or its name. */
export interface GivenAddress {
  readonly network: GivenNetwork;
  /** A number; a name, or nothing for any. */
  readonly name: string;
  readonly text: string;
}

/** What resolving needs from outside; tests replace it. */
export interface AddressResolver {
  /** Whether this machine has IPv6. */
  readonly hasIpv6: () => boolean;
  /** Whether one socket can be for both families. */
  readonly hasDualStack: () => boolean;
  /** All addresses of a host name, best first. */
  readonly lookup: (host: string) => Promise<readonly { address: string; family: number }[]>;
}

const networks: readonly (Network | GivenNetwork)[] = [
  'tcp',
  'tcp4',
  'tcp6',
  'tls',
  'udp',
  'udp4',
  'udp6',
  'unix',
  'fd',
  'systemd',
];

/** How a Unix address begins where it is printed. No host name begins like that. */
const printedUnix = /^(@|\/|\.\/|\.\.\/)/;
const portMax = 65_535;

/** The service names that people write in addresses; everything else is a number. */
const servicePorts: Readonly<Record<string, number>> = {
  domain: 53,
  ftp: 21,
  ftps: 990,
  http: 80,
  https: 443,
  imap: 143,
  imaps: 993,
  mqtt: 1883,
  ntp: 123,
  pop3: 110,
  pop3s: 995,
  redis: 6379,
  smtp: 25,
  ssh: 22,
  submission: 587,
  submissions: 465,
  syslog: 514,
  telnet: 23,
};

const systemResolver: AddressResolver = {
  hasIpv6: machineHasIpv6,
  hasDualStack,
  // Loaded when first used: an address needs none.
  lookup: async (host) => {
    const { lookup } = await import('node:dns/promises');
    return lookup(host, { all: true, order: 'verbatim' });
  },
};

/**
 * Parses the text of an address without any look-up.
 * @throws ErrUnsupportedProtocol for an unknown scheme.
 * @throws ErrInvalidNetworkAddress for everything else that cannot be an address.
 */
export function parseAddress(text: string): ParsedAddress {
  const parsed = parseListenAddress(text);
  if (parsed.network !== 'fd' && parsed.network !== 'systemd') return parsed as ParsedAddress;
  throw invalid(text, 'nobody can be called there', 'it is an address to listen on');
}

/** As `parseAddress`, for a server: also what it is given. */
export function parseListenAddress(text: string): ParsedAddress | GivenAddress {
  if (typeof text !== 'string') {
    throw new ErrInvalidNetworkAddress(
      `cannot use an address of type ${text === null ? 'null' : typeof text}: ` +
        "write a string such as 'tcp://:9000' or 'unix:///run/echo.sock'",
    );
  }
  refuseControlCharacters(text);
  if (printedUnix.test(text)) return { network: 'unix', path: parsePrintedPath(text), text };
  const schemeEnd = text.indexOf('://');
  const network = schemeEnd === -1 ? 'tcp' : parseNetwork(text, text.slice(0, schemeEnd));
  const rest = schemeEnd === -1 ? text : text.slice(schemeEnd + 3);
  if (network === 'unix') return { network, path: parseUnixPath(text, rest), text };
  if (network === 'systemd') return { network, name: rest, text };
  if (network === 'fd') return { network, name: parseDescriptor(text, rest), text };
  return { network, ...parseHostAndPort(text, rest), text };
}

/**
 * Looks up the host name where there is one and decides the family, as the table above says.
 * @throws ErrInvalidNetworkAddress when the host is unknown or has no address of the wanted family.
 */
export async function resolveAddress(
  parsed: ParsedAddress,
  resolver: AddressResolver = systemResolver,
): Promise<Endpoint> {
  if (parsed.network === 'unix') return { kind: 'unix', path: parsed.path };
  const { network, host, port } = parsed;
  const kind = network.startsWith('udp') ? 'udp' : 'tcp';
  const wanted = wantedFamily(network);
  if (host === '') {
    const family = wanted ?? (resolver.hasIpv6() && resolver.hasDualStack() ? 6 : 4);
    const any = family === 6 ? '::' : '0.0.0.0';
    return { kind, family, v6Only: wanted === 6, host: any, port };
  }
  const address = isIP(host) === 0 ? await lookUp(parsed, wanted, resolver) : unmapped(host);
  const family = isIPv4(address) ? 4 : 6;
  if (wanted !== undefined && wanted !== family) throw noSuitableAddress(parsed, wanted, address);
  return { kind, family, v6Only: family === 6, host: address, port };
}

/**
 * Whom to dial, in the order in which to try.
 * @throws ErrInvalidNetworkAddress as `resolveAddress` does, and for what nobody can listen on.
 */
export async function resolveTargets(
  parsed: ParsedAddress,
  resolver: AddressResolver = systemResolver,
): Promise<readonly Endpoint[]> {
  const { text } = parsed;
  if (parsed.network === 'unix') {
    if (parsed.path === '@') throw invalid(text, 'the path is missing', 'write the path to dial');
    return [{ kind: 'unix', path: parsed.path }];
  }
  const { network, host, port } = parsed;
  if (port === 0) throw invalid(text, 'the port is missing or 0', 'write the port to dial');
  const kind = network.startsWith('udp') ? 'udp' : 'tcp';
  const wanted = wantedFamily(network);
  let found: readonly string[];
  if (host === '') found = resolver.hasIpv6() ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  else if (isIP(host) === 0) found = (await lookUpAll(parsed, resolver)).map((one) => one.address);
  else found = [host];
  const targets = [...new Set(found.map(unmapped))]
    .map((address) => ({ family: isIPv4(address) ? (4 as const) : (6 as const), address }))
    .filter(({ family }) => wanted === undefined || family === wanted);
  if (targets.length === 0) throw noSuitableAddress(parsed, wanted, host);
  return targets.map(({ family, address }) => {
    return { kind, family, v6Only: family === 6, host: address, port };
  });
}

/** `127.0.0.1:9000` or `[::1]:9000`: the form of every address that the framework prints. */
export function formatAddress(family: 4 | 6, host: string, port: number): string {
  return family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True when an interface of this machine, loopback included, has an IPv6 address. */
function machineHasIpv6(): boolean {
  for (const addresses of Object.values(networkInterfaces())) {
    if (addresses?.some((address) => address.family === 'IPv6')) return true;
  }
  return false;
}

function parseNetwork(text: string, scheme: string): Network | GivenNetwork {
  const lowered = scheme.toLowerCase();
  const network = networks.find((name) => name === lowered);
  if (network !== undefined) return network;
  throw new ErrUnsupportedProtocol(
    `cannot use the address '${text}': the scheme '${scheme}' is not known, ` +
      `use one of ${networks.join(', ')}`,
    { address: text },
  );
}

function parseDescriptor(text: string, rest: string): string {
  if (/^\d{1,9}$/.test(rest)) return rest;
  throw invalid(text, 'it names no descriptor', "write its number, as 'fd://3'");
}

/** `./app.sock` is how the path `app.sock` prints: the same bytes, however long it is. */
function parsePrintedPath(text: string): string {
  const bare = text.startsWith('./') ? text.slice(2) : text;
  return parseUnixPath(text, printedUnix.test(bare) && bare !== text ? text : bare);
}

function parseUnixPath(text: string, path: string): string {
  if (path === '') return '@';
  const length = Buffer.byteLength(path);
  const most = unixPathBytesMax();
  if (length <= most) return path;
  throw invalid(
    text,
    `the path has ${length} bytes and the kernel takes ${most}`,
    'use a shorter or a relative path',
  );
}

function parseHostAndPort(text: string, rest: string): { host: string; port: number } {
  if (rest === '') return { host: '', port: 0 };
  if (/[/?#]/.test(rest)) {
    const unixHint = rest.startsWith('/') ? `for a Unix socket write 'unix://${rest}'` : undefined;
    throw invalid(text, 'something follows the port', unixHint ?? "write 'host:port' and no path");
  }
  if (/\s/.test(rest))
    throw invalid(text, 'it contains a space', "write 'host:port' without spaces");
  const { host, portText } = rest.startsWith('[')
    ? splitBracketed(text, rest)
    : splitPlain(text, rest);
  return { host, port: parsePort(text, portText) };
}

function splitBracketed(text: string, rest: string): { host: string; portText: string } {
  const end = rest.indexOf(']');
  if (end === -1) throw invalid(text, "']' is missing", "write IPv6 addresses as '[::1]:9000'");
  const host = rest.slice(1, end);
  if (host.includes('%')) {
    throw invalid(
      text,
      'zones (the part from % on) are not supported',
      "use an address without a zone, or '[::]' for all interfaces",
    );
  }
  if (isIP(host) !== 6) {
    throw invalid(text, `'${host}' is not an IPv6 address`, 'brackets are for IPv6 addresses only');
  }
  if (rest[end + 1] !== ':') throw missingPort(text);
  return { host, portText: rest.slice(end + 2) };
}

function splitPlain(text: string, rest: string): { host: string; portText: string } {
  const colon = rest.lastIndexOf(':');
  if (colon === -1) throw missingPort(text);
  const host = rest.slice(0, colon);
  if (host.includes(':')) {
    throw invalid(text, 'there are too many colons', "write IPv6 addresses as '[::1]:9000'");
  }
  return { host, portText: rest.slice(colon + 1) };
}

function parsePort(text: string, portText: string): number {
  // An empty port is a free one, as in the source framework.
  if (portText === '') return 0;
  if (/^\d+$/.test(portText)) {
    const port = Number(portText);
    if (port <= portMax) return port;
    throw invalid(text, `the port ${portText} is out of range`, `use a port from 0 to ${portMax}`);
  }
  const name = portText.toLowerCase();
  const port = Object.hasOwn(servicePorts, name) ? servicePorts[name] : undefined;
  if (port !== undefined) return port;
  throw invalid(
    text,
    `the port '${portText}' is neither a number nor the name of a known service`,
    `use a number from 0 to ${portMax}`,
  );
}

function wantedFamily(network: InternetNetwork): 4 | 6 | undefined {
  if (network.endsWith('4')) return 4;
  return network.endsWith('6') ? 6 : undefined;
}

/**
 * `::ffff:127.0.0.1` is an IPv4 address in IPv6 clothes; sockets of its own family serve it best.
 */
function unmapped(literal: string): string {
  if (isIPv4(literal)) return literal;
  // The URL parser writes every spelling of an IPv6 address in one short form.
  const canonical = new URL(`http://[${literal}]`).hostname.slice(1, -1);
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (groups === null) return canonical;
  const high = Number.parseInt(groups[1] ?? '', 16);
  const low = Number.parseInt(groups[2] ?? '', 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

async function lookUp(
  parsed: Extract<ParsedAddress, { host: string }>,
  wanted: 4 | 6 | undefined,
  resolver: AddressResolver,
): Promise<string> {
  const found = await lookUpAll(parsed, resolver);
  // A listener has one address. IPv4 goes first because that is what most peers of a name try.
  const chosen =
    wanted === undefined
      ? (found.find((entry) => entry.family === 4) ?? found[0])
      : found.find((entry) => entry.family === wanted);
  if (chosen === undefined) throw noSuitableAddress(parsed, wanted, parsed.host);
  return unmapped(chosen.address);
}

async function lookUpAll(
  parsed: Extract<ParsedAddress, { host: string }>,
  resolver: AddressResolver,
): Promise<readonly { address: string; family: number }[]> {
  const { host, text } = parsed;
  try {
    return await resolver.lookup(host);
  } catch (cause) {
    throw new ErrInvalidNetworkAddress(
      `cannot use the address '${text}': the host '${host}' could not be looked up; ` +
        'check the spelling and the name service, or use an IP address',
      { address: text, cause },
    );
  }
}

function noSuitableAddress(
  parsed: Extract<ParsedAddress, { host: string }>,
  wanted: 4 | 6 | undefined,
  host: string,
): ErrInvalidNetworkAddress {
  const base = parsed.network === 'tls' ? 'tcp' : parsed.network.slice(0, 3);
  return invalid(
    parsed.text,
    `there is no suitable address: '${host}' has none ${wanted ? `of IPv${wanted}` : 'at all'}`,
    wanted ? `use '${base}://' or '${base}${wanted === 4 ? 6 : 4}://'` : 'use an IP address',
  );
}

function refuseControlCharacters(text: string): void {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= 0x20 && code !== 0x7f) continue;
    throw invalid(
      JSON.stringify(text).slice(1, -1),
      `there is a control character at position ${index}`,
      'remove it',
    );
  }
}

function missingPort(text: string): ErrInvalidNetworkAddress {
  return invalid(text, 'the port is missing', "write 'host:port', with port 0 for a free one");
}

function invalid(text: string, state: string, hint: string): ErrInvalidNetworkAddress {
  return new ErrInvalidNetworkAddress(`cannot use the address '${text}': ${state}; ${hint}`, {
    address: text,
  });
}
