/** Starts and stops a server over a handler module, again and again, with live connections. */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { serve } from 'gnet';

const cycles = Number(process.argv[2]);
const module = new URL('../handlers/scenario.ts?scenario=plain', import.meta.url);

/** Without those that the kernel makes for rings, which the runtime has, too, and keeps as it likes. */
function threads(): number {
  const names = readdirSync('/proc/self/task').map((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, 'utf8');
    } catch {
      return 'iou-wrk-gone';
    }
  });
  return names.filter((name) => !name.startsWith('iou-wrk')).length;
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

async function cycle(): Promise<void> {
  const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 4, ticker: true });
  const clients = [];
  for (let count = 0; count < 8; count++) {
    const socket = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('hello');
    await once(socket, 'data');
    clients.push(socket);
  }
  await server.stop();
  for (const socket of clients) socket.destroy();
}

// Threads of the runtime itself start when they are first needed: two cycles need all of them.
await cycle();
await cycle();
const before = [threads(), descriptors()];
for (let count = 2; count < cycles; count++) await cycle();
// A thread that is joined may still be listed for a moment.
for (let look = 0; look < 1_000 && threads() > (before[0] as number); look++) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
process.stdout.write(`before ${before} after ${[threads(), descriptors()]}\n`);
