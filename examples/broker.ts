/**
 * Hands each connection that it accepts to a worker process, over a Unix socket: the worker owns it from
 * then on, and serves it when the broker is long gone. Worker and broker are this same program:
 *
 *   npm run example examples/broker.ts -- --sock broker.sock --port 0 --upstream worker
 *   npm run example examples/broker.ts -- --sock broker.sock --port 9000
 *
 * Then, in another terminal:
 *
 *   nc 127.0.0.1 9000
 */
import { closeSync } from 'node:fs';
import { client, type Conn, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const flags = readFlags({ sock: 'broker.sock' });
const channel = `unix://${flags.sock}`;

/** Answers on the connections whose descriptors come over the Unix socket. */
async function work(): Promise<void> {
  const react = (frame: Buffer | null) => `process ${process.pid}: ${frame}`;
  const served = await serve({ react }, 'tcp://127.0.0.1:0', serveOptions(flags));
  await serve(
    {
      async react(_frame, c) {
        let descriptor = c.receiveDescriptor();
        while (descriptor >= 0) {
          await served.adopt(descriptor);
          descriptor = c.receiveDescriptor();
        }
      },
    },
    channel,
    { ...serveOptions(flags), receiveDescriptors: true },
  );
  announce(served, 'tcp');
}

/** Accepts, and hands on. */
async function hand(): Promise<void> {
  const dialler = await client({});
  const worker = await dialler.dial(channel);
  const server = await serve(
    {
      onOpened(c: Conn) {
        const descriptor = c.dup();
        worker.sendDescriptor(descriptor, 'c');
        closeSync(descriptor);
        // Not `close()`, which would end our side of what is the worker's now.
        c.destroy();
      },
    },
    `tcp://${flags.host}:${flags.port}`,
    serveOptions(flags),
  );
  announce(server, 'tcp');
}

await (flags.upstream === 'worker' ? work() : hand()).catch(endWithReason);
