/**
 * An echo server over node:net, as its documentation advises: no delay, and a source that is
 * paused while its connection does not take what was written.
 *
 * usage: node echo.ts tcp PORT | node echo.ts unix PATH
 */

import { createServer } from 'node:net';

const [protocol, address] = process.argv.slice(2);
if (address === undefined || (protocol !== 'tcp' && protocol !== 'unix')) {
  console.error('usage: node echo.ts tcp PORT | node echo.ts unix PATH');
  process.exit(2);
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (data) => {
    if (!socket.write(data)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  // A load generator that ends may reset; the connection is gone either way.
  socket.on('error', () => socket.destroy());
});

if (protocol === 'unix') server.listen({ path: address, backlog: 4096 });
else server.listen({ host: '127.0.0.1', port: Number(address), backlog: 4096 });
