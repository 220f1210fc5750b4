import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventServer, serve } from 'gnet';
import { tablesOf } from './tables.ts';

test('docs/server.md has one row for each member of a server and each counter, and no other rows', async () => {
  const [members, ofServer, ofLoop] = tablesOf('server.md');
  await using server = await serve(new EventServer(), 'tcp://127.0.0.1:0');
  const stats = server.stats();
  assert.deepEqual(ofServer?.toSorted(), Object.keys(stats).sort());
  assert.deepEqual(ofLoop?.toSorted(), Object.keys(stats.loops[0] ?? {}).sort());
  assert.equal(members?.length, 15);
  for (const name of members) assert.ok(name in server, `Server has ${name}`);
});
