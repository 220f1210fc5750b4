/**
 * Threads end right after they told a loop something, with nobody waiting for the answer; half of them are
 * terminated. And a thread with a server of its own is terminated, to which somebody writes.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { connHandle, serve } from 'gnet';
import { lane, laneCount, LoopMemory } from '../../../src/mailbox/loop-memory.ts';
import { within } from '../../support/open-descriptors.ts';

const rounds = 2;
const threadsPerRound = 4;

function dial(address: string): Socket {
  return connect(Number(address.split(':')[1]), '127.0.0.1').on('error', () => {});
}

function run(source: string, workerData: unknown): Worker {
  const code = `import { parentPort, workerData } from 'node:worker_threads';
    import { connHandle, serve } from '${import.meta.resolve('gnet')}';
    ${source}`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData });
}

const module = new URL('../handlers/loops.ts', import.meta.url);
const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
const client = dial(server.addr);
const [said] = (await once(client, 'data')) as [Buffer];
client.resume();
const handle = server.conn(Number(String(said).split(' ')[1]));
const { memory: buffer } = handle as unknown as { readonly memory: SharedArrayBuffer };
const memory = new LoopMemory(buffer);
const lanesInUse = (): number =>
  Array.from({ length: laneCount }, (_, at) => memory.laneWord(at, lane.owner)).filter(
    (word) => Atomics.load(memory.words, word) !== 0,
  ).length;

const before = lanesInUse();
for (let round = 0; round < rounds; round++) {
  const ends =
    round % 2 === 0
      ? 'process.exit(0)'
      : 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
  const threads = Array.from({ length: threadsPerRound }, () =>
    run(`connHandle(workerData).wake(); parentPort.postMessage(1); ${ends}`, handle),
  );
  const over = threads.map((thread) => once(thread, 'exit'));
  if (round % 2 === 1) {
    await within(() => lanesInUse() - before >= threadsPerRound);
    for (const thread of threads) void thread.terminate();
  }
  await Promise.all(over);
}
await within(() => lanesInUse() === before);
console.log(`lanes kept: ${lanesInUse() - before}`);
await handle.write('still reached');
console.log('written');

const owner = run(
  `const server = await serve({ onOpened: (c) => { parentPort.postMessage(server.conn(c.id)); } },
    'tcp://127.0.0.1:0', { driver: 'node' });
   parentPort.postMessage(server.addr);`,
  null,
);
const [address] = (await once(owner, 'message')) as [string];
const other = dial(address);
const [received] = (await once(owner, 'message')) as [{ readonly id: number }];
const lost = connHandle(received);
const early = lost.write('x'.repeat(1_000_000)).then(
  () => 'taken',
  (error: { code: string }) => error.code,
);
await owner.terminate();
const late = lost.write('y').catch((error: { code: string }) => error.code);
console.log(`${['taken', 'ErrConnClosed'].includes(await early)} ${await late}`);
other.destroy();
client.destroy();
await server.stop();
