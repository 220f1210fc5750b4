/**
 * A proxy that ends TLS over node:tls, as its documentation advises: two sockets piped into each other.
 *
 * usage: node proxy.ts PORT UPSTREAM-PORT CERT KEY
 */

import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';

const [port, upstreamPort, cert, key] = process.argv.slice(2);
if (!Number(port) || !Number(upstreamPort) || cert === undefined || key === undefined) {
  console.error('usage: node proxy.ts PORT UPSTREAM-PORT CERT KEY');
  process.exit(2);
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  // A load generator that ends may reset; then the other side ends too.
  from.on('error', () => to.destroy());
}

const options = { cert: readFileSync(cert), key: readFileSync(key), noDelay: true };
const server = createServer(options, (client) => {
  const upstream = connect({ host: '127.0.0.1', port: Number(upstreamPort), noDelay: true });
  join(client, upstream);
  join(upstream, client);
});
server.on('tlsClientError', () => {});
server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 });
