/** A server and a client of gnet/net: nothing keeps the process once both are closed. */
import net from 'gnet/net';

const server = net.createServer((socket) => {
  socket.end('hello');
  server.close();
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  net.connect(port, '127.0.0.1').on('data', (data: Buffer) => console.log(String(data)));
});
