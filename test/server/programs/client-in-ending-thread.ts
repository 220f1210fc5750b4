/**
 * Two threads of loops make a client each when their server is down, which then holds up the end of its
 * thread, so that this is made to end. Prints what was open before and what is afterwards.
 */
import { client, isMainLoop, serve } from 'gnet';
import { descriptors, within } from '../../support/open-descriptors.ts';

const before = isMainLoop ? descriptors() : '';
const server = await serve({}, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
if (isMainLoop) {
  await server.stop();
  await within(() => descriptors() === before);
  console.log(`${before} and ${descriptors()}`);
} else {
  await server.closed;
  await new Promise((resolve) => setTimeout(resolve, 30));
  await client({
    onShutdown() {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    },
  });
}
