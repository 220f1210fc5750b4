import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnExample } from './spawn-example.ts';

for (const loops of [1, 2]) {
  test(`examples/http-node.ts answers, over ${loops} loops, and ends in order`, async () => {
    const example = await spawnExample('examples/http-node.ts', ['--loops', String(loops)]);
    const origin = `http://127.0.0.1:${example.port}`;
    const close = { connection: 'close' };
    const greetings = await Promise.all(
      Array.from({ length: 8 }, async () => (await fetch(origin, { headers: close })).text()),
    );
    assert.deepEqual(new Set(greetings), new Set(['hello, 127.0.0.1\n']));
    const body = 'x'.repeat(300_000);
    const echo = await fetch(`${origin}/echo`, { method: 'POST', body, headers: close });
    assert.equal(await echo.text(), body);
    assert.equal(await example.stop(), 0);
  });
}
