/** What stands behind a proxy: says its port, and echoes. */
import { createServer } from 'node:net';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as { port: number }).port);
});
