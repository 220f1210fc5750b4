/** node:http over several loops: a server of its own in each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from 'gnet';

test('a handler module with connectionHandler: every loop answers, and a stop ends in order', async (t) => {
  const module = new URL('./handlers/http.ts', import.meta.url);
  const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  t.after(() => server.close());
  const answers = new Set<string>();
  for (let request = 0; request < 8; request++) {
    const headers = { connection: 'close' };
    answers.add(await (await fetch(`http://${server.addr}`, { headers })).text());
  }
  assert.deepEqual([...answers].sort(), ['loop 0', 'loop 1']);
  // One that is kept alive is idle: it holds nothing up.
  await (await fetch(`http://${server.addr}`)).text();
  const { forced } = await server.stop({ timeout: 10_000 });
  assert.equal(forced, 0);
});

test('close() in the thread of a loop ends all loops', async () => {
  const module = new URL('./handlers/http.ts', import.meta.url);
  const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  // The loop that is asked, and perhaps the other one, has an idle connection.
  await (await fetch(`http://${server.addr}`)).text();
  const closing = await fetch(`http://${server.addr}/close`, { headers: { connection: 'close' } });
  assert.match(await closing.text(), /^loop [01]$/);
  await server.closed;
  await assert.rejects(fetch(`http://${server.addr}`));
});

test('close() in the thread of a loop that knows no server throws', async (t) => {
  const module = new URL('./handlers/http-alone.ts', import.meta.url);
  const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  t.after(() => server.close());
  const answer = await fetch(`http://${server.addr}`, { headers: { connection: 'close' } });
  assert.equal(await answer.text(), 'ErrUnsupportedOp true');
});
