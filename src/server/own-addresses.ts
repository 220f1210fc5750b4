import { SyscallError } from '../base/errors.ts';
import { formatInet, inetAddress } from '../base/inet-address.ts';
import type { Endpoint } from '../driver/contract.ts';
import { errnoNumber } from '../platform/index.ts';

/** What a server listens on, with its real port. */
export interface OwnAddress {
  readonly endpoint: Endpoint;
  readonly address: string;
}

/** Undefined for what the kernel chooses, for paths, which it guards itself, and for what was given. */
function addressOf(endpoint: Endpoint): string | undefined {
  if (endpoint.kind === 'unix' || endpoint.port === 0) return undefined;
  if (endpoint.given !== undefined) return undefined;
  const { family, host, port } = endpoint;
  return formatInet(inetAddress(family, host, port));
}

/**
 * Refuses an address that the server has already. Between sockets with SO_REUSEPORT, as those of
 * several loops are, the kernel would share it without a word, and each would get a part of what comes.
 * @throws SyscallError EADDRINUSE.
 */
export function refuseOwn(wanted: readonly Endpoint[], own: readonly OwnAddress[]): void {
  const taken = new Set(own.map(({ endpoint, address }) => `${endpoint.kind} ${address}`));
  for (const endpoint of wanted) {
    const address = addressOf(endpoint);
    if (address === undefined) continue;
    const name = `${endpoint.kind} ${address}`;
    if (!taken.has(name)) {
      taken.add(name);
      continue;
    }
    const errno = errnoNumber('EADDRINUSE');
    throw new SyscallError(
      'EADDRINUSE',
      `cannot listen on ${address}: this server listens there already (bind: EADDRINUSE); ` +
        'leave out one of the two, or unlisten it before',
      { syscall: 'bind', address, ...(errno !== undefined && { errno }) },
    );
  }
}
