/**
 * Each of two threads of loops makes a client with three connections; one thread goes, as the argument
 * says: by a throw (`throw`), for lack of memory (`exhaust`, and `late` with one more client, of which
 * the main thread can only hear together with the death), or made to end, since it does not end when it
 * is asked to (`spin`). Prints what is open without that thread's client, and with its successor.
 */
import { BroadcastChannel, threadId } from 'node:worker_threads';
import { client, type ConnHandle, connHandle, isMainLoop, serve } from 'gnet';
import { descriptors, within } from '../../support/open-descriptors.ts';

const how = process.argv[2] ?? '';
const upstream = await serve({}, 'tcp://127.0.0.1:0');
const channel = new BroadcastChannel('client-in-dying-thread');

/** What a thread says when its client has its connections, and what it is told. */
interface Ready {
  readonly thread: number;
  readonly handle: Pick<ConnHandle, 'id'>;
}
interface Order {
  readonly die: number;
}

async function watch(): Promise<void> {
  const before = descriptors();
  const ready: Ready[] = [];
  channel.onmessage = (event) => void ready.push((event as { data: Ready }).data);
  const server = await serve({}, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  await within(() => ready.length === 2 && upstream.countConnections() === 6);
  const [doomed] = ready;
  if (doomed === undefined) throw new Error('no thread has a client');
  const during = descriptors();
  if (how !== 'spin') {
    channel.postMessage({ die: doomed.thread } satisfies Order);
    if (how === 'late') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    await within(() => ready.length === 3);
    console.log(`as before: ${await within(() => upstream.countConnections() === 6)}`);
    await within(() => descriptors() === during);
    console.log(`with a successor: ${during} and ${descriptors()}`);
    const written = connHandle(doomed.handle).write('x');
    console.log(await written.catch((error: { code: string }) => error.code));
  }
  await server.stop();
  await within(() => upstream.countConnections() === 0 && descriptors() === before);
  console.log(`without threads: ${before} and ${descriptors()}`);
  channel.close();
  await upstream.stop();
}

function spin(): void {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline);
}

async function die(): Promise<never> {
  if (how === 'throw') throw new Error('thrown outside a handler');
  if (how === 'late') await (await client({})).dial(upstream.addr);
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(1_000_000).fill(kept.length));
}

async function run(): Promise<void> {
  const dialler = await client(how === 'spin' ? { onShutdown: spin } : {});
  const { id } = await dialler.dial(upstream.addr);
  for (let count = 1; count < 3; count++) await dialler.dial(upstream.addr);
  channel.onmessage = (event) => {
    if ((event as { data: Partial<Order> }).data.die === threadId) void die();
  };
  channel.unref();
  await serve({}, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  channel.postMessage({ thread: threadId, handle: dialler.conn(id) } satisfies Ready);
}

await (isMainLoop ? watch() : run());
