/** The option `histograms`: what is counted of turns, calls, waits and frames, on every driver. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import type { EventHandler, HistogramStats } from 'gnet';
import { driverName, notOn } from '../support/driver.ts';
import { connect, EchoHandler, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const blockMs = 60;

function block(): void {
  const end = performance.now() + blockMs;
  while (performance.now() < end);
}

async function start(t: TestScope, handler: EventHandler, histograms = true) {
  const { server } = await startRig(t, handler, { histograms });
  return { server, read: () => server.stats().loops[0]?.histograms };
}

/** Values in the bucket of this one, and in those above. */
function from({ bounds, counts }: HistogramStats, value: number): number {
  return counts.slice(bounds.findIndex((one) => one >= value)).reduce((sum, one) => sum + one, 0);
}

test('frames and calls are counted by size and time', async (t) => {
  const { server, read } = await start(t, new EchoHandler());
  const client = await connect(t, server.addr);
  for (const length of [5, 16, 17, 1_000]) {
    client.write(Buffer.alloc(length));
    await client.readExactly(length);
  }
  const { frameBytes, handlerMs } = read() ?? assert.fail();
  assert.deepEqual([frameBytes.count, frameBytes.sum], [4, 1_038]);
  assert.deepEqual(frameBytes.bounds.slice(0, 7), [16, 32, 64, 128, 256, 512, 1_024]);
  assert.deepEqual(frameBytes.counts.slice(0, 8), [2, 1, 0, 0, 0, 0, 1, 0]);
  assert.ok(handlerMs.count >= 4);
});

test('a call that blocks is in its bucket, and so is its turn', async (t) => {
  const { server, read } = await start(t, { react: block });
  const client = await connect(t, server.addr);
  client.write('x');
  await waitUntil(() => from(read()?.handlerMs ?? assert.fail(), 33) === 1, 'the call is counted');
  if (driverName === 'node') return;
  await waitUntil(() => from(read()?.turnMs ?? assert.fail(), 33) > 0, 'the turn is counted');
});

const kernel = 'only native drivers of Linux can ask the kernel';
const untold = process.platform === 'linux' ? notOn('node', kernel) : { skip: kernel };

test('a connection that waited while the loop was blocked', untold, async (t) => {
  const { server, read } = await start(t, new EchoHandler());
  const [host = '', port] = server.addr.split(':');
  const client = net.connect(Number(port), host);
  t.after(() => client.destroy());
  // Behind the connect, before the loop has a turn.
  process.nextTick(block);
  const waited = (): HistogramStats => read()?.acceptWaitMs ?? assert.fail();
  await waitUntil(() => waited().count === 1, 'it is accepted');
  assert.equal(from(waited(), 33), 1);
});

test('without the option there are none', async (t) => {
  const { server, read } = await start(t, new EchoHandler(), false);
  const client = await connect(t, server.addr);
  client.write('x');
  await client.readExactly(1);
  assert.equal(read(), undefined);
});
