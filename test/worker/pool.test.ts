/** Threads of a worker pool answer connections, by result and by handle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conn, EventHandler } from 'gnet';
import { WorkerPool } from 'gnet/pool';
import { connect, startRig, text } from '../support/rig.ts';

test('a task writes to its connection by handle while it works, and answers with its result', async (t) => {
  const pool = new WorkerPool(new URL('./handlers/work.ts', import.meta.url), { threads: 1 });
  t.after(() => pool.close());
  const handler: EventHandler = {
    react(frame: Buffer | null, c: Conn) {
      if (frame === null) return null;
      const handle = rig.server.conn(c.id);
      const task = { handle: { ...handle }, steps: Number(frame.toString()) };
      return pool.submit<string>(task, { name: 'progress', order: c.id });
    },
  };
  const rig = await startRig(t, handler);
  const client = await connect(t, rig);
  client.write('3');
  const expected = '1 of 3\n2 of 3\n3 of 3\ndone\n';
  assert.equal(text(await client.readExactly(expected.length)), expected);
});
