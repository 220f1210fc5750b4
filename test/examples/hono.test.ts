import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type RunningExample, spawnExample } from './spawn-example.ts';

let example: RunningExample;
let url: string;

describe('examples/hono.ts', () => {
  before(async () => {
    example = await spawnExample('examples/hono.ts');
    url = `http://127.0.0.1:${example.port}`;
  });
  after(async () => {
    assert.equal(await example.stop(), 0);
  });

  test('greets, echoes JSON and streams, and serves files', async () => {
    assert.equal(await (await fetch(`${url}/hello/you`)).text(), 'Hello, you!');
    const json = await fetch(`${url}/echo`, { method: 'POST', body: '{"some": "json"}' });
    assert.deepEqual(await json.json(), { some: 'json' });
    const broken = await fetch(`${url}/echo`, { method: 'POST', body: '{' });
    assert.equal(broken.status, 500);
    const body = 'x'.repeat(1_000_000);
    const streamed = await fetch(`${url}/stream`, { method: 'POST', body });
    assert.ok((await streamed.text()) === body);
    const source = await fetch(`${url}/source/server.ts`);
    assert.match(await source.text(), /class HttpServer/);
    assert.equal((await fetch(`${url}/source/../lib/flags.ts`)).status, 404);
  });

  test('sends events until the client has enough', async () => {
    const enough = new AbortController();
    const answer = await fetch(`${url}/clock`, { signal: enough.signal });
    let text = '';
    for await (const piece of answer.body ?? []) {
      text += Buffer.from(piece).toString();
      if (text.split('event: time').length > 2) break;
    }
    enough.abort();
    assert.match(text, /^event: time\ndata: \d{4}-/);
  });
});
