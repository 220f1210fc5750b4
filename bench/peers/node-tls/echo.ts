/**
 * An echo server over node:tls, as its documentation advises: no delay, and a source that is paused
 * while its connection does not take what was written.
 *
 * usage: node echo.ts PORT CERT KEY
 */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

const [port, cert, key] = process.argv.slice(2);
if (port === undefined || cert === undefined || key === undefined) {
  console.error('usage: node echo.ts PORT CERT KEY');
  process.exit(2);
}

const options = { cert: readFileSync(cert), key: readFileSync(key), noDelay: true };
const server = createServer(options, (socket) => {
  socket.on('data', (data) => {
    if (!socket.write(data)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  // A load generator that ends may reset; the connection is gone either way.
  socket.on('error', () => socket.destroy());
});
server.on('tlsClientError', () => {});
server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 });
