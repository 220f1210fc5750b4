/** usage: node ws.js PORT */
import { WebSocketServer } from 'ws';

const fans = new Set();
const server = new WebSocketServer({ port: Number(process.argv[2]), host: '127.0.0.1' });
server.on('connection', (socket, request) => {
  if (request.url !== '/fan') {
    socket.on('message', (data) => socket.send(data));
    return;
  }
  fans.add(socket);
  socket.on('message', (data) => {
    for (const fan of fans) fan.send(data);
  });
  socket.on('close', () => fans.delete(socket));
});
