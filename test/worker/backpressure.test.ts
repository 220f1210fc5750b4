/** Who writes to connections of other loops hears when a reader is slower. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Options, Server } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { connect, type TestScope, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import type { MuchToWrite } from './handlers/writes-much.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

const options: Options = {
  lowWaterMark: 65_536,
  highWaterMark: 262_144,
  maxOutboundBytes: 4_194_304,
};
const bytes = 262_144;
/** Much more than the kernel holds for a connection and `maxOutboundBytes` together. */
const count = 160;

interface Slow {
  readonly server: Server;
  /** How connections were closed. */
  readonly closes: string[];
}

let channels = 0;

async function startServer(t: TestScope, numEventLoop: number): Promise<Slow> {
  channels++;
  const name = `closes ${process.pid} ${channels}`;
  const closes: string[] = [];
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: { data: string }) => closes.push(data);
  t.after(() => channel.close());
  const module = handlerModule('tells-of-closes.ts', { channel: name });
  const { server } = await startLoops(t, module, { ...options, numEventLoop });
  return { server, closes };
}

async function land(t: TestScope, server: Server): Promise<{ client: RawClient; id: number }> {
  const client = await connect(t, server.addr);
  let line = '';
  while (!line.endsWith('\n')) line += text(await client.readExactly(1));
  return { client, id: Number(line) };
}

/** Starts the thread of `writes-much.ts`. */
function startWriter(t: TestScope, server: Server, id: number, awaits: boolean): Int32Array {
  const settled = new SharedArrayBuffer(8);
  const workerData: MuchToWrite = { handle: server.conn(id), count, bytes, awaits, settled };
  const url = new URL('./handlers/writes-much.ts', import.meta.url);
  const thread = new Worker(url, { workerData });
  t.after(() => thread.terminate());
  return new Int32Array(settled);
}

/** Reads at most 1 MiB at once, then rests. */
function readSlowly({ socket }: RawClient): void {
  let got = 0;
  socket.on('data', (data: Buffer) => {
    got += data.length;
    if (got < 1_048_576) return;
    got = 0;
    socket.pause();
    setTimeout(() => socket.resume(), 20);
  });
}

for (const numEventLoop of [1, 2]) {
  describe(`slow readers, with ${numEventLoop} loops`, () => {
    test('a thread that awaits its writes goes as fast as the reader', async (t) => {
      const { server, closes } = await startServer(t, numEventLoop);
      const { client, id } = await land(t, server);
      client.socket.pause();
      const settled = startWriter(t, server, id, true);
      await waitUntil(() => Atomics.load(settled, 0) > 0, 'the first write');
      // For as long as it gets on: it must come to a halt before it is cut off.
      for (let before = 0; before !== Atomics.load(settled, 0); ) {
        before = Atomics.load(settled, 0);
        await settle();
        await settle();
      }
      assert.ok(Atomics.load(settled, 0) < count, 'it waits');
      client.socket.resume();
      await client.readExactly(count * bytes);
      await waitUntil(() => Atomics.load(settled, 0) === count, 'every write');
      assert.equal(Atomics.load(settled, 1), 0);
      assert.deepEqual(closes, []);
    });

    test('one that does not is cut off, and hears of it', async (t) => {
      const { server, closes } = await startServer(t, numEventLoop);
      const { client, id } = await land(t, server);
      client.socket.pause();
      const settled = startWriter(t, server, id, false);
      const all = (): number => Atomics.load(settled, 0) + Atomics.load(settled, 1);
      await waitUntil(() => all() === count, 'every write');
      assert.ok(Atomics.load(settled, 1) > 0, 'some were refused');
      await waitUntil(() => closes.length === 1, 'onClosed');
      assert.deepEqual(closes, ['ErrOutboundOverflow']);
    });

    test('a write that waits ends with its connection', async (t) => {
      const { server } = await startServer(t, numEventLoop);
      const { client, id } = await land(t, server);
      client.socket.pause();
      const settled = startWriter(t, server, id, true);
      await waitUntil(() => Atomics.load(settled, 0) > 0, 'the first write');
      for (let before = 0; before !== Atomics.load(settled, 0); ) {
        before = Atomics.load(settled, 0);
        await settle();
      }
      client.reset();
      await waitUntil(() => Atomics.load(settled, 1) > 0, 'the next one is refused');
    });

    test('broadcasts that are awaited cut off no reader that goes on reading', async (t) => {
      const { server, closes } = await startServer(t, numEventLoop);
      const clients: RawClient[] = [];
      for (let one = 0; one < 4; one++) clients.push((await land(t, server)).client);
      for (const client of clients) readSlowly(client);
      const data = Buffer.alloc(1_048_576, 'b');
      const total = 40;
      const before = clients.map(({ receivedBytes }) => receivedBytes);
      for (let one = 0; one < total; one++) assert.equal(await server.broadcast(data), 4);
      await waitUntil(
        () =>
          clients.every(
            (c, at) => c.receivedBytes - (before[at] as number) === total * data.length,
          ),
        'everything arrives',
      );
      assert.deepEqual(closes, []);
    });

    test('a reader that takes nothing holds up no broadcast for the others', async (t) => {
      const { server, closes } = await startServer(t, numEventLoop);
      const { client: stuck } = await land(t, server);
      const { client: reader } = await land(t, server);
      stuck.socket.pause();
      const data = Buffer.alloc(bytes, 'b');
      for (let one = 0; one < count; one++) await server.broadcast(data);
      await reader.readExactly(count * bytes);
      await waitUntil(() => closes.length === 1, 'the stuck one is cut off');
      assert.deepEqual(closes, ['ErrOutboundOverflow']);
    });
  });
}
