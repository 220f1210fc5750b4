/**
 * An echo server over sockets of gnet/stream: the program of `node-net`, with another listener.
 *
 * usage: node echo.ts tcp://127.0.0.1:PORT
 */
import { EventEmitter } from 'node:events';
import { attach, type ConnSocket } from 'gnet/stream';

const server = new EventEmitter();
server.on('connection', (socket: ConnSocket) => {
  socket.on('data', (data: Buffer) => {
    if (!socket.write(data)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  // A load generator that ends may reset; the connection is gone either way.
  socket.on('error', () => socket.destroy());
});
await attach(server, process.argv[2] ?? 'tcp://127.0.0.1:9000', { backlog: 4096 });
