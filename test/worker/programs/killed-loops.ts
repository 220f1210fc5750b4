/**
 * Threads of loops are terminated from outside, at any moment, while callers come without a pause. In the
 * end what the loops had open is closed, and nothing that belongs to the program.
 *
 *     killed-loops.ts DRIVER REUSEPORT KILLS
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { type Options, serve } from 'gnet';
import { descriptors } from '../../support/open-descriptors.ts';

const [driver = 'auto', reusePort = 'false', kills = '5'] = process.argv.slice(2);
const workers: Worker[] = [];
process.on('worker', (worker: Worker) => {
  workers.push(worker);
  worker.on('exit', () => workers.splice(workers.indexOf(worker), 1));
});

const server = await serve(new URL('../handlers/echo.ts', import.meta.url), 'tcp://127.0.0.1:0', {
  numEventLoop: 2,
  reusePort: reusePort === 'true',
  driver: driver as NonNullable<Options['driver']>,
  logLevel: 'silent',
});
const port = Number(server.addr.split(':')[1]);
const before = descriptors();

let over = false;
let calls = 0;
const open = new Set<Socket>();

/** Calls, says something, and goes; then the same again. */
function call(): void {
  if (over) return;
  calls++;
  const socket = connect(port, '127.0.0.1');
  open.add(socket);
  socket.on('error', () => {});
  socket.on('connect', () => socket.write('hello'));
  socket.on('data', () => socket.end());
  socket.on('close', () => {
    open.delete(socket);
    setImmediate(call);
  });
}

const sockets = (): number => JSON.parse(descriptors()).socket - JSON.parse(before).socket;

/** However long that takes on a busy machine, but ends before the test does, and says what it waited for. */
async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 90_000;
  for (let tries = 1; !condition(); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (performance.now() > giveUpAt) process.exit(1);
    if (tries % 2_000 !== 0) continue;
    console.log(
      `waiting: ${workers.length} threads, ${server.countConnections()} connections, ` +
        `${open.size} callers, ${sockets()} sockets more`,
    );
  }
}

/** Both loops serve callers: who came while there was none waited for the next one that started. */
async function bothServe(): Promise<void> {
  await until(() => workers.length === 2);
  const accepted = (): number[] => server.stats().loops.map((loop) => loop.accepted);
  const before = accepted();
  await until(() => accepted().every((count, index) => count > (before[index] as number)));
}

for (let caller = 0; caller < 40; caller++) call();
const files: number[] = [];
for (let kill = 0; kill < Number(kills); kill++) {
  // Its predecessor has a successor: no loop dies so often that it is not started again.
  await bothServe();
  await new Promise((resolve) => setTimeout(resolve, 5 + ((kill * 7) % 30)));
  await workers[0]?.terminate();
  // Whoever closes twice closes these, which have the numbers that have just become free.
  for (let file = 0; file < 10; file++) files.push(openSync('/dev/null', 'r'));
}
// With all of their listeners again: only then do the numbers compare.
await bothServe();
over = true;
for (const socket of open) socket.destroy();
await until(() => server.countConnections() === 0 && open.size === 0 && sockets() === 0);
const gone = files.filter((file) => {
  try {
    return !fstatSync(file).isCharacterDevice();
  } catch {
    return true;
  }
});
console.log(`files that somebody else closed: ${gone.length} of ${files.length}`);
for (const file of files) if (!gone.includes(file)) closeSync(file);
console.log(`calls: ${calls > 40 ? 'many' : calls}`);
console.log(`sockets: ${sockets() === 0 ? 'as before' : `${sockets()} more`}`);
await server.stop({ timeout: 100 });
process.exit(0);
