import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawClient } from './raw-client.ts';
import { spawnExample } from './spawn-example.ts';

const session = 'ECHO hello\nBINARY\n\0\x05world\0\x04a\nb\n';
const answers = 'hello\nOK\n\0\x05world\0\x04a\nb\n';

for (const [how, pieces] of [
  ['in one piece', [session]],
  ['byte by byte', [...session]],
] as const) {
  test(`examples/upgrade.ts goes over to frames, ${how}`, async () => {
    const example = await spawnExample('examples/upgrade.ts');
    const client = await rawClient(example.port);
    await client.send(pieces);
    assert.equal((await client.receive(answers.length)).toString('latin1'), answers);
    client.close();
    assert.equal(await example.stop(), 0);
    assert.match(example.output(), /left after 2 lines and binary frames/);
  });
}

test('examples/upgrade.ts closes on a line that it does not know', async () => {
  const example = await spawnExample('examples/upgrade.ts');
  const client = await rawClient(example.port);
  await client.send(['HELLO\nECHO no\n']);
  assert.equal((await client.receiveAll()).toString(), 'ERROR\n');
  client.close();
  assert.equal(await example.stop(), 0);
});
