/** The same with what the runtime has: a primary that replaces its worker on SIGUSR2. */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** Port 0 is the same free one for all workers. */
async function start(): Promise<{ worker: Worker; port: number }> {
  const worker = cluster.fork();
  const [address] = (await once(worker, 'listening')) as [{ port: number }];
  return { worker, port: address.port };
}

if (cluster.isPrimary) {
  let { worker, port } = await start();
  console.log(`up ${worker.process.pid} 127.0.0.1:${port}`);
  process.on('SIGUSR2', async () => {
    const old = worker;
    ({ worker, port } = await start());
    console.log(`up ${worker.process.pid} 127.0.0.1:${port}`);
    old.send('leave');
  });
} else {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('message', () => {
    process.disconnect?.();
    server.close();
    for (const socket of sockets) socket.end('bye\n');
  });
}
