/**
 * Threads with servers of their own are terminated. Another thread, which has not started them, writes to
 * them meanwhile, and hears of it.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import 'gnet';
import { waitUntil } from '../../support/wait-until.ts';

function run(source: string, workerData: unknown): Worker {
  const code = `import { parentPort, Worker, workerData } from 'node:worker_threads';
    import { connHandle, serve } from '${import.meta.resolve('gnet')}';
    ${source}`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData });
}

/** Serves until it is told to block, and says when much waits for a slow reader. */
const owns = `
  const options = { driver: 'node', highWaterMark: 1_000_000, maxOutboundBytes: 100_000_000 };
  let c;
  const server = await serve({
    onOpened(opened) { c = opened; parentPort.postMessage(server.conn(c.id)); },
    react() { parentPort.postMessage('blocked'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); },
  }, 'tcp://127.0.0.1:0', options);
  parentPort.postMessage(server.addr);
  setInterval(() => { if (c?.outboundBuffered() > 1_000_000) parentPort.postMessage('full'); }, 5);`;

/** Starts a thread that does that. */
const startsOwner = `
  const { owns, head } = workerData;
  const owner = new Worker(new URL('data:text/javascript,' + encodeURIComponent(head + owns)));
  owner.on('message', (message) => parentPort.postMessage(message));`;

const head = `import { parentPort } from 'node:worker_threads';
  import { serve } from '${import.meta.resolve('gnet')}';`;

const writer = run(
  `parentPort.on('message', ({ what, handle, bytes }) => {
    const over = connHandle(handle).write(Buffer.alloc(bytes)).then(() => 'taken', ({ code }) => code);
    void over.then((said) => parentPort.postMessage([what, said]));
    parentPort.postMessage([what, 'is written']);
  });`,
  null,
);
/** What became of each write. */
const outcomes = new Map<string, string>();
writer.on('message', ([what, said]: [string, string]) => void outcomes.set(what, said));

interface Owner {
  readonly thread: Worker;
  readonly client: Socket;
  readonly handle: unknown;
  readonly said: unknown[];
}

async function start(thread: Worker): Promise<Owner> {
  const said: unknown[] = [];
  thread.on('message', (message) => said.push(message));
  await waitUntil(() => said.length > 0, 'it serves');
  const client = connect(Number(String(said[0]).split(':')[1]), '127.0.0.1').on('error', () => {});
  await once(client, 'connect');
  await waitUntil(() => said.length > 1, 'its handle');
  return { thread, client, handle: said[1], said };
}

async function endWhile({ thread, client }: Owner, what: string): Promise<void> {
  const before = outcomes.get(what);
  await thread.terminate();
  await waitUntil(() => outcomes.get(what) !== before, what);
  client.destroy();
}

async function blocked(thread: Worker, what: string): Promise<void> {
  const owner = await start(thread);
  owner.client.write('block');
  await waitUntil(() => owner.said.includes('blocked'), 'it blocks');
  writer.postMessage({ what, handle: owner.handle, bytes: 10 });
  await waitUntil(() => outcomes.has(what), 'the write');
  await endWhile(owner, what);
}

async function slow(thread: Worker, what: string): Promise<void> {
  const owner = await start(thread);
  owner.client.pause();
  writer.postMessage({ what, handle: owner.handle, bytes: 50_000_000 });
  await waitUntil(() => outcomes.has(what) && owner.said.includes('full'), 'much waits');
  await endWhile(owner, what);
}

await Promise.all([
  blocked(run(owns, null), 'blocked'),
  blocked(run(startsOwner, { owns, head }), 'with the thread that started it'),
  slow(run(owns, null), 'with a slow reader'),
]);
for (const [what, outcome] of [...outcomes].sort()) console.log(`${what}: ${outcome}`);
await writer.terminate();
