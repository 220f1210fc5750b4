import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing, runClient } from '../support/outside-client.ts';
import { rawClient } from './raw-client.ts';
import { spawnExample } from './spawn-example.ts';

const LINE = /^It is \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const LINE_LENGTH = 'It is 2026-01-01T00:00:00.000Z\n'.length;

test('examples/push.ts sends whole lines to every connection, tick after tick', async () => {
  const example = await spawnExample('examples/push.ts', ['--tick', '20ms']);
  const clients = await Promise.all([1, 2, 3].map(() => rawClient(example.port)));
  for (const client of clients) {
    const text = (await client.receive(LINE_LENGTH * 5)).toString();
    const lines = text.trimEnd().split('\n');
    assert.ok(lines.length >= 5);
    for (const line of lines) assert.match(line, LINE);
    // Ticks are apart, so no two lines of one connection are the same.
    assert.equal(new Set(lines).size, lines.length);
  }
  // One leaves; the others go on.
  const [first, second] = clients;
  first?.close();
  const before = (await second?.receive(0))?.length ?? 0;
  await second?.receive(before + LINE_LENGTH * 2);
  const ends = clients.slice(1).map((client) => client.receiveAll());
  assert.equal(await example.stop(), 0);
  for (const end of await Promise.all(ends)) assert.equal(end.length % LINE_LENGTH, 0);
  const lines = example.output().trimEnd().split('\n');
  assert.equal(lines[0], example.line);
  const opened = lines.flatMap((line) => /^(127\.0\.0\.1:\d+) is open$/.exec(line)?.[1] ?? []);
  const closed = lines.flatMap((line) => /^(127\.0\.0\.1:\d+) is closed\b/.exec(line)?.[1] ?? []);
  assert.equal(new Set(opened).size, 3);
  assert.deepEqual([...closed].sort(), [...opened].sort());
});

test('examples/push.ts sends back what it receives', async () => {
  const example = await spawnExample('examples/push.ts', ['--tick', '0s']);
  const client = await rawClient(example.port);
  await client.send(['hello']);
  assert.equal((await client.receive(5)).toString(), 'hello');
  client.close();
  assert.equal(await example.stop(), 0);
});

test('examples/push.ts sends lines to nc', { skip: missing('nc') }, async () => {
  const example = await spawnExample('examples/push.ts', ['--tick', '20ms']);
  const script = 'nc "$1" "$2" | head -n 2';
  const args = ['-c', script, 'sh', '127.0.0.1', String(example.port)];
  const result = await runClient('sh', args);
  const lines = result.stdout.toString().trimEnd().split('\n');
  assert.equal(lines.length, 2);
  for (const line of lines) assert.match(line, LINE);
  assert.equal(await example.stop(), 0);
});
