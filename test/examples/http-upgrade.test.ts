import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawClient } from './raw-client.ts';
import { spawnExample } from './spawn-example.ts';

const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n';

test('examples/http-upgrade.ts answers requests, and gives upgrades to a loop', async () => {
  const example = await spawnExample('examples/http-upgrade.ts');
  const answer = await fetch(`http://127.0.0.1:${example.port}`, {
    headers: { connection: 'close' },
  });
  assert.match(await answer.text(), /^ask for/);
  const one = await rawClient(example.port);
  await one.send([`${upgrade}hello\n`]);
  // Ports of clients have five digits.
  const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n';
  const line = '127.0.0.1:12345: hello\n';
  const shown = (bytes: Buffer): string => String(bytes).replaceAll(/:\d{5}:/g, ':12345:');
  assert.equal(shown(await one.receive(head.length + line.length)), head + line);
  const two = await rawClient(example.port);
  await two.send([upgrade, 'hello\n']);
  assert.equal(shown(await two.receive(head.length + line.length)), head + line);
  const both = line.repeat(2);
  assert.equal(shown(await one.receive(head.length + both.length)), head + both);
  one.close();
  two.close();
  assert.equal(await example.stop(), 0);
});
