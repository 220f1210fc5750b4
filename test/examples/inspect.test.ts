import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../support/wait-until.ts';
import { rawClient } from './raw-client.ts';
import { spawnExample } from './spawn-example.ts';

test('examples/inspect.ts says where its page is, which shows the connections of both loops', async () => {
  const example = await spawnExample('examples/inspect.ts', ['--host=127.0.0.1', '--loops=2']);
  const found = /^look at http:\/\/(\S+)\/#token=(\S+)$/m;
  await waitUntil(() => found.test(example.output()), 'the address of the page');
  const [, address, token] = found.exec(example.output()) ?? [];
  const clients = await Promise.all([rawClient(example.port), rawClient(example.port)]);
  const headers = { Authorization: `Bearer ${token}` };
  const looked = await fetch(`http://${address}/api/connections`, { headers });
  const { rows } = (await looked.json()) as { rows: { loop: number }[] };
  assert.deepEqual(rows.map(({ loop }) => loop).sort(), [0, 1]);
  for (const client of clients) client.close();
  assert.equal(await example.stop(), 0);
});
