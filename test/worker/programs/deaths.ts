/** A server whose loops clients may kill; see `handlers/loops.ts`. */
import { readdirSync, readlinkSync } from 'node:fs';
import { serve } from 'gnet';
import { within } from '../../server/programs/open-descriptors.ts';

const module = new URL('../handlers/loops.ts', import.meta.url);
const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 3, logger: console });

/** What is open, without numbers, so that it can be compared. */
function descriptors(): string {
  const kinds: string[] = [];
  for (const number of readdirSync('/proc/self/fd')) {
    try {
      kinds.push(readlinkSync(`/proc/self/fd/${number}`).replaceAll(/\d+/g, ''));
    } catch {
      // The descriptor with which the directory itself was read.
    }
  }
  return kinds.sort().join(' ');
}

const before = descriptors();
process.stdout.write(`listening ${server.addr}\n`);
process.once('SIGTERM', async () => {
  // A ring lets go of a descriptor a little after its connection has gone.
  await within(() => server.countConnections() === 0 && descriptors() === before);
  process.stdout.write(`descriptors ${before} and ${descriptors()}\n`);
  process.stdout.write(`stopped ${JSON.stringify(await server.stop())}\n`);
});
