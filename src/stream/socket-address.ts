/** What `net.Socket` tells of one end: nothing of a Unix socket, which has a path at most. */
export interface SocketAddress {
  readonly address?: string;
  readonly family?: 'IPv4' | 'IPv6';
  readonly port?: number;
}

const nowhere: SocketAddress = {};

/** From `127.0.0.1:9000` or `[::1]:9000`, as `remoteAddr` and `localAddr` say it. */
export function socketAddress(text: string): SocketAddress {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon === -1 || !Number.isInteger(port)) return nowhere;
  if (text[0] === '[' && text[colon - 1] === ']') {
    return { address: text.slice(1, colon - 1), family: 'IPv6', port };
  }
  const address = text.slice(0, colon);
  return /^[\d.]+$/.test(address) ? { address, family: 'IPv4', port } : nowhere;
}

/** What `net.Server.address()` returns for an address of a server: of a Unix socket the bare path. */
export function serverAddress(text: string): SocketAddress | string {
  const parsed = socketAddress(text);
  return parsed === nowhere ? text.replace(/^\.\//, '') : parsed;
}
