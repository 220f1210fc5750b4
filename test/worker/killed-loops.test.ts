/** Threads of loops that are terminated at any moment: what they had open is closed, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RawClient } from 'gnet/testing';
import { driverName } from '../support/driver.ts';
import { runProgram } from '../support/program.ts';
import { connect, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

describe('loops that are killed while callers come', () => {
  for (const reusePort of [false, true]) {
    const how = reusePort ? 'each accepts by itself' : 'the main thread accepts';
    test(`${how}: what they had is closed, and nothing twice`, async (t) => {
      const args = [driverName, `${reusePort}`, '6'];
      const program = runProgram(t, 'test/worker/programs/killed-loops.ts', args);
      const { code, output } = await program.ending();
      assert.equal(code, 0, output);
      assert.match(output, /^files that somebody else closed: 0 of 60$/m);
      assert.match(output, /^calls: many$/m);
      assert.match(output, /^sockets: as before$/m);
    });
  }
});

test('a connection that came in beside one that sticks the thread ends with the thread', async (t) => {
  const { server } = await startLoops(t, handlerModule('sticks.ts'), {
    numEventLoop: 2,
    reusePort: true,
  });
  const land = async (): Promise<RawClient> => {
    for (;;) {
      const client = await connect(t, server.addr);
      if (text(await client.readExactly(1)) === '0') return client;
    }
  };
  const [first, second] = [await land(), await land()];
  first.write('rest');
  await settle(100);
  // All of this waits when the loop looks again: it is stuck before it comes to the last ones.
  second.write('stick');
  await settle(20);
  const late: RawClient[] = [];
  for (let count = 0; count < 20; count++) late.push(await connect(t, server.addr));
  await settle(500);
  const { undone } = await server.stop({ timeout: 100 });
  assert.equal(undone?.lostLoops, 1);
  for (const client of late) client.end();
  await waitUntil(() => late.every(({ ended, closed }) => ended || closed), 'the end of each');
});
