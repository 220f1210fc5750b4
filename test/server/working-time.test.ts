/** What `stats()` says about the time of loops that share a thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoopStats, Server } from 'gnet';
import { startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const read = (server: Server): LoopStats => server.stats().loops[0] ?? assert.fail();

test('each of two idle servers in a thread is idle', async (t) => {
  const { server: first } = await startRig(t, {});
  const { server: second } = await startRig(t, {});
  for (const server of [first, second]) {
    await waitUntil(() => read(server).utilization < 0.5, 'its loop sleeps');
  }
});

test('the time of a stopped server stands still', async (t) => {
  const { server } = await startRig(t, {});
  await server.stop();
  const { activeMs, idleMs } = read(server);
  await waitUntil(() => read(server).idleMs > idleMs, 'time goes on');
  assert.equal(read(server).activeMs, activeMs);
});
