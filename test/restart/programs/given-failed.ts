/**
 * Fails to serve on descriptors 3, a listener, and 4, a socket for datagrams, in one of several ways;
 * opens sockets of its own, and says who has the given ones by then, and what serving on them does.
 */
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { type Server, serve } from 'gnet';

process.env['LISTEN_PID'] = String(process.pid);
process.env['LISTEN_FDS'] = '2';
process.env['LISTEN_FDNAMES'] = 'web:admin';

const module = new URL('./given-module.ts', import.meta.url);
const elsewhere = 'tcp://127.0.0.1:0';
/** No socket for datagrams can be opened with it; listeners can. */
const wrong = { udp: { multicastInterface: 'nowhere' } };

async function listenFurther(serving: Promise<Server>): Promise<string> {
  return (await serving).listen('systemd://');
}

const ways = {
  'one loop': () => serve({}, 'systemd://', wrong),
  'several loops': () => serve(module, 'systemd://web', { numEventLoop: 2, shared: 1 }),
  reusePort: () => serve(module, 'systemd://web', { numEventLoop: 2, shared: 1, reusePort: true }),
  untouched: () => serve(module, 'systemd://web', { numEventLoop: 2, shared: 0, reusePort: true }),
  listen: () => listenFurther(serve({}, elsewhere, wrong)),
  'listen, several loops': () =>
    listenFurther(serve(module, elsewhere, { ...wrong, numEventLoop: 2 })),
};

/** The kernel numbers sockets. */
function identity(descriptor: number): string {
  try {
    return String(fstatSync(descriptor).ino);
  } catch {
    return 'closed';
  }
}

async function outcome(address: string): Promise<string> {
  try {
    const server = await serve({}, address);
    return `served ${server.addr}`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code} ${message}`;
  }
}

const before = [3, 4].map(identity);
const failure = await ways[process.argv[2] as keyof typeof ways]().then(
  () => 'nothing',
  (error: Error) => error.message,
);
const strangers = Array.from({ length: 4 }, () => createServer().listen(0, '127.0.0.1'));
await Promise.all(strangers.map((stranger) => once(stranger, 'listening')));
const after = [3, 4].map(identity);
const isOpen = before.map((one, at) => one === after[at]);
const outcomes = [await outcome('systemd://web'), await outcome('systemd://admin')];
console.log(`told ${JSON.stringify({ failure, isOpen, outcomes })}`);
process.exit();
