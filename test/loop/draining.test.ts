/** When `onDrain` comes, and when it does not. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Conn } from '../../src/connection/conn.ts';
import { simulatedLoop } from './simulated-loop.ts';

test('onDrain: a mark that is crossed again before its call has one call, after the last drain', async () => {
  let connection: Conn | undefined;
  let refusals = 0;
  const seen: { refusals: number; pending: number }[] = [];
  const rig = simulatedLoop(
    {
      onOpened(c) {
        connection = c;
      },
      onDrain(c) {
        seen.push({ refusals, pending: c.outboundBuffered() });
        refusals = 0;
      },
    },
    { connection: { highWaterMark: 1_000, lowWaterMark: 100 } },
  );
  const peer = rig.connect();
  await rig.turns(3);
  const c = connection as Conn;
  const large = Buffer.alloc(1_000_000);
  let crossings = 0;
  let received = 0;
  for (let turn = 0; turn < 400; turn++) {
    // Drained in the turn before, its call not made yet: the moment in which a timer may write.
    if (crossings < 8 && c.outboundBuffered() <= 100) {
      crossings++;
      if (!c.asyncWrite(large)) refusals++;
    }
    received += peer.take().length;
    await rig.turns(1);
  }
  assert.deepEqual(rig.deaths, []);
  assert.equal(received, crossings * large.length);
  assert.ok(seen.length > 0);
  for (const call of seen) {
    assert.ok(call.refusals > 0, 'a call that no write waited for');
    assert.ok(call.pending <= 100, 'a call before it drained');
  }
  assert.equal(refusals, 0, 'a write that no call followed');
});
