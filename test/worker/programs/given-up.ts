/**
 * Loops that die more often than they are started again: all of them, or, with `one`, loop 0 alone.
 * The program does nothing at its end: it must come by itself.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from 'gnet';

const module = new URL('../handlers/dies-slowly.ts', import.meta.url);
const loops = 2;
/** The first start, and five more. */
const lives = 6;
const wanted = process.argv[2] === 'one' ? [0] : [0, 1];
const deaths = new Array<number>(loops).fill(0);

const server = await serve(module, 'tcp://127.0.0.1:0', {
  numEventLoop: loops,
  logger: { debug() {}, info() {}, warn() {}, error() {}, fatal() {} },
});
const port = Number(server.addr.split(':')[1]);
let over = false;
const closed = server.closed.then(
  () => 'in order',
  (error: { code: string; cause: Error }) => `${error.code}: ${error.cause.message}`,
);
void closed.then(() => {
  over = true;
});

/** The loop that a connection landed in, or -1. */
async function land(socket: Socket): Promise<number> {
  socket.on('error', () => {});
  const said = await new Promise<Buffer | null>((resolve) => {
    socket.once('data', resolve).once('close', () => resolve(null));
  });
  return said === null ? -1 : Number(String(said));
}

const isKilled = (): boolean => wanted.every((loop) => (deaths[loop] as number) >= lives);
while (!over && !isKilled()) {
  const socket = connect(port, '127.0.0.1');
  const loop = await land(socket);
  if (wanted.includes(loop)) {
    socket.write('die');
    // `once` would reject where the end of a thread resets what it had open.
    await new Promise((resolve) => socket.once('close', resolve));
    deaths[loop] = (deaths[loop] as number) + 1;
  }
  socket.destroy();
  await sleep(5);
}
console.log(`deaths ${deaths}`);
if (wanted.length === 1) {
  let answered = -1;
  while (answered !== 1) {
    const socket = connect(port, '127.0.0.1');
    answered = await land(socket);
    socket.destroy();
  }
  console.log(`still served by loop ${answered}`);
  await server.stop();
}
console.log(`closed ${await closed}`);
const late = connect(port, '127.0.0.1');
const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
console.log(`a caller hears ${error.code}`);
console.log(
  `timers ${process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length}`,
);
