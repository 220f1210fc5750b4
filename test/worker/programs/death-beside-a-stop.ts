/** Two servers share their threads. One is going down when a thread dies: the other's loop comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { threadName } from 'node:worker_threads';
import { isMainLoop, serve } from 'gnet';

const logger = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
const options = { numEventLoop: 2, closeTimeout: 60_000, logger };
const first = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', options);
let connections = 0;
const second = await serve(
  {
    onOpened: () => `${threadName} ${++connections}`,
    react: () => process.exit(3),
  },
  'tcp://127.0.0.1:0',
  options,
);

function dial(address: string): Socket {
  const socket = connect({
    port: Number(address.split(':')[1]),
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  return socket.on('error', () => {});
}

/** A connection of the second server in loop 0, as that loop's first. */
async function firstOfLoop0(): Promise<Socket> {
  for (;;) {
    const socket = dial(second.addr);
    const said = await new Promise<unknown>((resolve) => {
      socket.once('data', resolve).once('close', resolve);
    });
    if (String(said) === 'gnet loop 0 1') return socket;
    socket.destroy();
  }
}

if (isMainLoop) {
  const doomed = await firstOfLoop0();
  const stays: Socket[] = [];
  // One in each loop, wherever the kernel puts them.
  for (let count = 0; count < 16; count++) {
    const socket = dial(first.addr);
    socket.write('echo');
    await once(socket, 'data');
    stays.push(socket);
  }
  const stopped = first.stop({ timeout: Number.POSITIVE_INFINITY });
  await Promise.all(stays.map((socket) => once(socket.resume(), 'end')));
  console.log('the first one goes down');
  doomed.once('end', () => doomed.destroy());
  doomed.resume().write('die');
  // `once` would reject where the end of a thread resets what it had open.
  await new Promise((resolve) => doomed.once('close', resolve));
  const successor = await firstOfLoop0();
  console.log('the loop of the second is back');
  successor.destroy();
  for (const socket of stays) socket.destroy();
  await stopped;
  await second.stop();
  console.log('both are down');
}
