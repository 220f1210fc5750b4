/** Gives an address up while it has no descriptor to spare and a connection waits there; then it has some. */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from 'gnet';

const loops = Number(process.argv[2]);
const echo = new URL('../../worker/handlers/echo.ts', import.meta.url);
const anywhere = 'tcp://127.0.0.1:0';
const server = await serve(loops === 1 ? { react: (frame) => frame } : echo, [anywhere, anywhere], {
  numEventLoop: loops,
});
process.once('SIGTERM', () => void server.stop());
const [stays, goes] = server.addrs as [string, string];

const held: number[] = [];
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
}
console.log(`full, on ${stays} and ${goes}`);
// The runtime turns them away by itself.
const rests = server.driver !== 'node';
while (rests && server.stats().loops[0]?.acceptRests === 0) await sleep(5);
await server.unlisten(goes);
// A listener that rested would start again by now.
await sleep(200);
for (const descriptor of held) closeSync(descriptor);
console.log(`left ${server.addrs.join(' ')}`);
