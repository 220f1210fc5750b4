/** The histograms of loops on threads, as the main thread reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('what the threads of the loops count is read from the main thread', async (t) => {
  const options = { numEventLoop: 2, histograms: true };
  const { server } = await startLoops(t, handlerModule('echo.ts'), options);
  for (let count = 0; count < 2; count++) {
    const client = await connect(t, server.addr);
    client.write('hello');
    await client.readExactly(5);
  }
  const counted = (name: 'frameBytes' | 'acceptWaitMs'): number =>
    server.stats().loops.reduce((sum, { histograms }) => sum + (histograms?.[name].count ?? -9), 0);
  // The kernel spreads connections where each loop listens by itself: both may be in one loop.
  await waitUntil(() => counted('frameBytes') === 2, 'each connection has had a frame');
  if (server.driver !== 'node' && process.platform === 'linux') {
    assert.equal(counted('acceptWaitMs'), 2);
  }
});
