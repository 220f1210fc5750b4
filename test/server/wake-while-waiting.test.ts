import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conn } from 'gnet';
import { RawClient } from 'gnet/testing';
import { startRig } from '../support/rig.ts';

test('a wake waits for the promise of an earlier frame, not for resumeRead', async (t) => {
  const calls: string[] = [];
  const { server } = await startRig(t, {
    async react(frame: Buffer | null, c: Conn) {
      calls.push(frame === null ? 'wake' : 'frame');
      if (frame === null) return 'woken';
      c.pauseRead();
      c.wake();
      await null;
      calls.push('settled');
      return null;
    },
  });
  const client = await RawClient.connect(server.addr);
  client.write('hello');
  assert.equal((await client.readExactly(5)).toString(), 'woken');
  assert.deepEqual(calls, ['frame', 'settled', 'wake']);
  client.destroy();
});
