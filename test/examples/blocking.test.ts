/** The worker pool example, on one loop and on several. */
import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { RawClient } from 'gnet/testing';
import { spawnExample } from './spawn-example.ts';

const derive = (password: string): string =>
  pbkdf2Sync(password, 'salt', 20_000, 32, 'sha256').toString('hex');

for (const loops of ['1', '2']) {
  test(`blocking.ts answers in order, with ${loops} loops`, async () => {
    const example = await spawnExample('examples/blocking.ts', ['--loops', loops]);
    try {
      assert.match(example.line, new RegExp(`^blocking is listening .*loops: ${loops}\\)$`));
      const lines = ['one', 'two', 'three'];
      const clients = await Promise.all(
        [0, 1].map(() => RawClient.connect(`127.0.0.1:${example.port}`)),
      );
      for (const client of clients) client.write(lines.map((line) => `${line}\n`).join(''));
      const expected = lines.map((line) => `${derive(line)}\n`).join('');
      for (const client of clients) {
        assert.equal((await client.readExactly(expected.length)).toString(), expected);
        client.end();
      }
    } finally {
      assert.equal(await example.stop(), 0);
    }
  });
}
