/** Each thread of loops makes a client and never stops it: it ends with its thread. */
import { client, isMainLoop, serve } from 'gnet';

const upstream = await serve({}, 'tcp://127.0.0.1:0');
const dialler = await client({ onShutdown: () => console.log('a client is down') });
const server = await serve({}, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
if (isMainLoop) {
  while (upstream.countConnections() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await server.stop();
  while (upstream.countConnections() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  console.log('their connections are closed');
  await dialler.stop();
  await upstream.stop();
} else {
  await dialler.dial(upstream.addr);
}
