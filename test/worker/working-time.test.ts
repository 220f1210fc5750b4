/** What other threads see of the time of a loop. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('a loop that a handler blocks works, an idle one does not', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gnet-time-'));
  const blocked = path.join(folder, 'blocked');
  writeFileSync(blocked, '');
  t.after(() => rmSync(folder, { recursive: true }));
  const module = handlerModule('blocks.ts', { path: blocked });
  const { server } = await startLoops(t, module, { numEventLoop: 2 });
  const client = await connect(t, server.addr);
  client.write('block');
  const isBlocked = (loop: number): boolean => existsSync(`${blocked}.${loop}`);
  await waitUntil(() => isBlocked(0) || isBlocked(1), 'a loop is blocked');
  const [busy, idle] = isBlocked(0) ? [0, 1] : [1, 0];
  const read = (loop: number) => server.stats().loops[loop] ?? assert.fail();

  const before = [read(busy), read(idle)] as const;
  await waitUntil(() => read(busy).activeMs > before[0].activeMs + 100, 'it works');
  assert.equal(read(busy).idleMs, before[0].idleMs, 'it does not sleep meanwhile');
  await waitUntil(() => read(idle).idleMs > before[1].idleMs + 100, 'the other one sleeps');
  rmSync(blocked);
  await waitUntil(() => read(busy).idleMs > before[0].idleMs, 'it sleeps again');
});
