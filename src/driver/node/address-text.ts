import { formatInet, inetAddress } from '../../base/inet-address.ts';
import { formatUnix } from '../../base/unix-address.ts';
import type { Endpoint } from '../contract.ts';

/** As the other drivers print addresses: no zone, IPv4 plain, `@` for an end without a name. */
export function addressText(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return '@';
  const [literal = ''] = host.split('%', 1);
  return formatInet(inetAddress(literal.includes(':') ? 6 : 4, literal, port));
}

/** For messages, and for a listener that has no other port. */
export function endpointText(endpoint: Endpoint): string {
  return endpoint.kind === 'unix'
    ? formatUnix(endpoint.path)
    : addressText(endpoint.host, endpoint.port);
}
