/** Listens, and accepts nobody: once its backlog is full, whoever connects hears nothing. */
import { createServer } from 'node:net';

const server = createServer();
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`port ${port}\n`, () => {
    // Asleep for good, so that the runtime accepts nothing.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
});
