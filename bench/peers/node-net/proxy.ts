/**
 * A TCP proxy over node:net, as its documentation advises: two sockets piped into each other.
 *
 * usage: node proxy.ts PORT UPSTREAM-PORT
 */

import { connect, createServer, type Socket } from 'node:net';

const [port, upstreamPort] = process.argv.slice(2).map(Number);
if (!port || !upstreamPort) {
  console.error('usage: node proxy.ts PORT UPSTREAM-PORT');
  process.exit(2);
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  // A load generator that ends may reset; then the other side ends too.
  from.on('error', () => to.destroy());
}

createServer({ noDelay: true }, (client) => {
  const upstream = connect({ host: '127.0.0.1', port: upstreamPort, noDelay: true });
  join(client, upstream);
  join(upstream, client);
}).listen({ host: '127.0.0.1', port, backlog: 4096 });
