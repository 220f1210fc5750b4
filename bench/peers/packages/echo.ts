/**
 * An echo by the events of a socket.
 *
 * usage: node echo.ts PORT node|gnet
 */
import { createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

const [, , port, side = 'node'] = process.argv;
const server = createServer({ noDelay: true }, (socket: Socket) => {
  socket.on('data', (data) => {
    if (!socket.write(data)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  // A load that ends may reset; the connection is gone either way.
  socket.on('error', () => socket.destroy());
});
await listen(server, Number(port), side);
