import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawClient } from './raw-client.ts';
import { spawnExample } from './spawn-example.ts';

test('examples/visitors.ts counts over all its loops, and ends each visit', async () => {
  const flags = ['--host=127.0.0.1', '--loops=2', '--tick=50ms'];
  const example = await spawnExample('examples/visitors.ts', flags);
  const clients = await Promise.all(Array.from({ length: 6 }, () => rawClient(example.port)));
  const texts = await Promise.all(clients.map((client) => client.receiveAll()));
  const pattern = /^visitor (\d), on loop ([01])\ntime is up; \d of loop ([01]) are here\n$/;
  const found = texts.map((text) => pattern.exec(String(text)));
  assert.deepEqual(found.map((match) => match?.[1]).sort(), ['1', '2', '3', '4', '5', '6']);
  assert.deepEqual([...new Set(found.map((match) => match?.[2]))].sort(), ['0', '1']);
  for (const match of found) assert.equal(match?.[2], match?.[3]);
  assert.equal(await example.stop(), 0);
});
