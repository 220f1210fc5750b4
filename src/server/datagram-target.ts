import { ErrInvalidNetworkAddress, ErrInvalidReply } from '../base/errors.ts';
import { isIP, isIPv4 } from '../base/ip-address.ts';
import type { Bytes, Server } from '../connection/conn.ts';
import { isBytes } from '../connection/reply.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { GroupOptions } from '../connection/server-view.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import { type ParsedAddress, parseAddress, resolveTargets } from './addresses.ts';

/** Those that send, and hear: @throws of whoever asks for them when they do not run. */
type DatagramLoops = Pick<LoopGroup, 'datagrams'>;

/** Targets of late, by text: who is sent to once mostly is again. */
const known = new Map<string, Endpoint>();
const knownMax = 4_096;

function parse(address: string): Extract<ParsedAddress, { readonly host: string }> {
  const text =
    typeof address === 'string' && !address.includes('://') ? `udp://${address}` : address;
  const parsed = parseAddress(text);
  if (parsed.network.startsWith('udp') && 'host' in parsed) return parsed;
  throw new ErrInvalidNetworkAddress(
    `cannot send a datagram to '${address}': it is no address of UDP; write 'udp://host:port'`,
    { address },
  );
}

/**
 * Where a datagram is to go, as long as nobody must be asked; undefined for a name.
 * @throws ErrInvalidNetworkAddress
 */
function datagramTarget(address: string): Endpoint | undefined {
  const before = known.get(address);
  if (before !== undefined) return before;
  const { host, port } = parse(address);
  const family = isIP(host);
  if (family === 0 || port === 0) return undefined;
  const target: Endpoint = {
    kind: 'udp',
    family: family as 4 | 6,
    v6Only: family === 6,
    host,
    port,
  };
  if (known.size >= knownMax) known.clear();
  known.set(address, target);
  return target;
}

/** See `Server.sendTo`. */
export function datagramsOf(running: () => DatagramLoops): Server['sendTo'] {
  return async (address, data) => sendDatagramTo(running(), address, data);
}

async function sendDatagramTo(group: DatagramLoops, address: string, data: Bytes): Promise<void> {
  if (!isBytes(data)) {
    throw new ErrInvalidReply('cannot send this as a datagram: give a Uint8Array or a string');
  }
  // Taken before a name is looked up.
  const copy = Buffer.from(data as Uint8Array);
  const to = datagramTarget(address) ?? (await resolveTargets(parse(address)))[0];
  await group.datagrams({ kind: 'send', to: to as Endpoint, data: copy });
}

const isGroup = (address: string): boolean =>
  isIPv4(address) ? /^2(2[4-9]|3\d)\./.test(address) : isIP(address) === 6 && /^ff/i.test(address);

function refusal(what: string, given: unknown, wanted: string): ErrInvalidNetworkAddress {
  return new ErrInvalidNetworkAddress(`cannot use the ${what} '${given}': give ${wanted}`);
}

/** See `Server.joinGroup`. */
export function groups(kind: 'join' | 'leave', running: () => DatagramLoops): Server['joinGroup'] {
  return async (group, options) => changeGroup(running(), kind, group, options);
}

async function changeGroup(
  owner: DatagramLoops,
  kind: 'join' | 'leave',
  group: string,
  options: GroupOptions = {},
): Promise<void> {
  if (typeof group !== 'string' || !isGroup(group)) {
    throw refusal('group', group, "a multicast address such as '239.1.2.3' or 'ff15::1'");
  }
  const { source, interface: through } = options;
  if (source !== undefined && isIP(source) !== isIP(group)) {
    throw refusal('source', source, `an address of IPv${isIP(group)}`);
  }
  await owner.datagrams({ kind, membership: { group, source, interface: through } });
}
