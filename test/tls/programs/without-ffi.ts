/** A server and a client with TLS in one program; prints who does the cryptography, and what came back. */
import { client, serve } from 'gnet';
import { makeFamily } from '../../../testing/certificates.ts';

const { leaf, middle, root } = makeFamily();
const tls = { key: leaf.key, cert: leaf.cert + middle.cert, ca: root.cert };
const server = await serve({ react: (frame) => frame }, 'tls://127.0.0.1:0', { tls });
const echoed = Promise.withResolvers<string>();
const dialler = await client(
  { react: (frame) => echoed.resolve(String(frame)) },
  { tls: { ca: root.cert } },
);
const c = await dialler.dial(`tls://localhost:${server.addr.split(':').at(-1)}`);
c.asyncWrite('over and back');
console.log(server.driver, server.stats().tls?.engine, await echoed.promise, c.tls?.authorized);
await dialler.stop();
await server.stop();
