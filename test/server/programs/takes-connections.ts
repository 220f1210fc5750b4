/**
 * Takes over the connections whose descriptors come to its Unix socket, and answers on them.
 *
 *     node takes-connections.ts PATH
 */
import { serve } from 'gnet';

const served = await serve({ react: (frame) => `${process.pid} ${frame}` }, 'tcp://127.0.0.1:0');
const channel = await serve(
  {
    async react(frame, c) {
      const descriptor = c.receiveDescriptor();
      if (descriptor >= 0) await served.adopt(descriptor);
      return `${frame} ${descriptor >= 0}\n`;
    },
    onClosed(_c, error) {
      console.log(`closed ${(error as { code?: string } | undefined)?.code ?? 'in order'}`);
    },
  },
  `unix://${process.argv[2]}`,
  { receiveDescriptors: true },
);
console.log(`up ${channel.addr}`);
