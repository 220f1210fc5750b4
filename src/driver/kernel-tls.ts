import { readFileSync } from 'node:fs';

/** Protocols that a Linux kernel can put on top of TCP, tcp(7): names with blanks between. */
const protocolsFile = '/proc/sys/net/ipv4/tcp_available_ulp';

/** Why this kernel cannot encrypt the records of a connection itself; null where it could. */
export function kernelTlsMissing(file: string = protocolsFile): string | null {
  let names: string;
  try {
    names = readFileSync(file, 'utf8').trim();
  } catch {
    return 'this system has no TLS in its kernel';
  }
  if (names.split(/\s+/).includes('tls')) return null;
  return `this kernel has no TLS switched on (${file} has '${names}'; 'modprobe tls' where it is a module)`;
}
