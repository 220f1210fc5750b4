/** The histograms of loops on threads, as the main thread reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('each loop has its own', async (t) => {
  const options = { numEventLoop: 2, histograms: true };
  const { server } = await startLoops(t, handlerModule('echo.ts'), options);
  for (let count = 0; count < 2; count++) {
    const client = await connect(t, server.addr);
    client.write('hello');
    await client.readExactly(5);
  }
  const read = (name: 'frameBytes' | 'acceptWaitMs'): number[] =>
    server.stats().loops.map(({ histograms }) => histograms?.[name].count ?? -1);
  await waitUntil(() => read('frameBytes').join() === '1,1', 'each has had a frame');
  if (server.driver !== 'node' && process.platform === 'linux') {
    assert.deepEqual(read('acceptWaitMs'), [1, 1]);
  }
});
