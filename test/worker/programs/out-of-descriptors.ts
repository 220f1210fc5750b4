/**
 * The main thread, which accepts for two loops, runs out of descriptors while somebody calls: its
 * listener rests, and says so in the counters. The caller is served when there are some again.
 */
import { closeSync, openSync } from 'node:fs';
import { serve } from 'gnet';
import { within } from '../../support/open-descriptors.ts';

const module = new URL('../handlers/loops.ts', import.meta.url);
const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 2, logLevel: 'error' });

function takeAll(): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    return taken;
  }
}

const rests = (): number[] => server.stats().loops.map((loop) => loop.acceptRests);
process.once('SIGTERM', () => void server.stop());
const taken = takeAll();
console.log(`listening ${server.addr}`);
console.log(`rested: ${await within(() => rests()[0] !== 0)}, the others ${rests().slice(1)}`);
for (const descriptor of taken) closeSync(descriptor);
