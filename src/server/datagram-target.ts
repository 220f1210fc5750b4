import { isIP } from 'node:net';
import { ErrInvalidNetworkAddress, ErrInvalidReply } from '../base/errors.ts';
import type { Bytes } from '../connection/conn.ts';
import { isBytes } from '../connection/reply.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import { type ParsedAddress, parseAddress, resolveTargets } from './addresses.ts';

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
export async function sendDatagramTo(
  group: Pick<LoopGroup, 'datagrams'>,
  address: string,
  data: Bytes,
): Promise<void> {
  if (!isBytes(data)) {
    throw new ErrInvalidReply('cannot send this as a datagram: give a Uint8Array or a string');
  }
  // Taken before a name is looked up.
  const copy = Buffer.from(data as Uint8Array);
  const to = datagramTarget(address) ?? (await resolveTargets(parse(address)))[0];
  await group.datagrams({ kind: 'send', to: to as Endpoint, data: copy });
}
