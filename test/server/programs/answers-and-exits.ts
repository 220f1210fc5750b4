/** Exits as soon as the kernel has its answer. */
import { serve } from 'gnet';

const server = await serve(
  {
    async react(_frame, c) {
      await c.flushWrite(Buffer.alloc(200_000, 'a'));
      process.exit(0);
    },
  },
  'tcp://127.0.0.1:0',
  { socketSendBuffer: 1_000_000, logLevel: 'silent' },
);
console.log(`listening ${server.addr}`);
