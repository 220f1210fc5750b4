/**
 * Tells which driver and how many loops a server has: one line of JSON.
 *
 * usage: node gnet-probe.ts PATH-OF-INDEX LOOPS
 */

import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const [entry, loops] = process.argv.slice(2);
const gnet = (await import(pathToFileURL(entry!).href)) as typeof import('../../src/index.ts');
const server = await gnet.serve(new gnet.EventServer(), 'tcp://127.0.0.1:0', {
  numEventLoop: Number(loops),
});
if (isMainThread) {
  process.stdout.write(
    `${JSON.stringify({ driver: server.driver, loops: server.numEventLoop })}\n`,
  );
  await server.close();
  // Whatever is still running must not keep the benchmark waiting.
  process.exit(0);
}
