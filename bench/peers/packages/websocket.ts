/**
 * An echo by the package ws.
 *
 * usage: node websocket.ts PORT node|gnet
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { listen } from './listen.ts';

const [, , port, side = 'node'] = process.argv;
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  // A load that ends may reset.
  socket.on('error', () => {});
  socket.on('message', (data, binary) => socket.send(data as Buffer, { binary }));
});
await listen(server, Number(port), side);
