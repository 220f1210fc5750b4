/** A server whose loops clients may kill; see `handlers/loops.ts`. */
import { serve } from 'gnet';
import { descriptors, within } from '../../support/open-descriptors.ts';

const module = new URL('../handlers/loops.ts', import.meta.url);
const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 3, logger: console });

const before = descriptors();
process.once('SIGTERM', async () => {
  // A ring lets go of a descriptor a little after its connection has gone.
  await within(() => server.countConnections() === 0 && descriptors() === before);
  process.stdout.write(`descriptors ${before} and ${descriptors()}\n`);
  process.stdout.write(`stopped ${JSON.stringify(await server.stop())}\n`);
});
// Last: whoever reads it may send the signal at once.
process.stdout.write(`listening ${server.addr}\n`);
