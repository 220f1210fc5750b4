/** Gives back what comes over TLS by `node:tls`, on the driver of the environment. Ends itself on SIGTERM. */
import { serve } from 'gnet';
import { makeFamily } from '../../../testing/certificates.ts';

const { root, middle, leaf } = makeFamily();
let calls = 0;
const handler = {
  react(frame: Buffer | null) {
    calls++;
    return frame;
  },
};
const tls = { key: leaf.key, cert: leaf.cert + middle.cert, ca: root.cert };
const server = await serve(handler, 'tls://127.0.0.1:0', { tls });
const { engine } = server.stats().tls ?? {};
process.once('SIGTERM', async () => {
  await server.close();
  console.log(`calls ${calls}`);
});
console.log(`serving ${JSON.stringify({ engine, address: server.addr, ca: root.cert })}`);
