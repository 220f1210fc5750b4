import { ErrUnsupportedProtocol } from '../index.ts';

/** `kcp://host:port` is `udp://host:port`; `kcp4` and `kcp6` alike. @throws ErrUnsupportedProtocol */
export function datagramAddress(address: string): string {
  const scheme = /^kcp([46]?):\/\//.exec(address);
  if (scheme !== null) return `udp${scheme[1]}://${address.slice(scheme[0].length)}`;
  throw new ErrUnsupportedProtocol(
    `cannot use the address '${address}': write 'kcp://host:port'; kcp4 and kcp6 also work`,
    { address },
  );
}
