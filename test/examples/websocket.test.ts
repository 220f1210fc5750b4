import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectWebSocket } from 'gnet/websocket';
import { waitUntil } from '../support/wait-until.ts';
import { spawnExample } from './spawn-example.ts';

test('examples/websocket.ts: guests hear one another, and other pages are refused', async () => {
  const example = await spawnExample('examples/websocket.ts');
  const base = `127.0.0.1:${example.port}`;
  assert.match(await (await fetch(`http://${base}/`)).text(), /new WebSocket/);
  const heard: string[][] = [[], []];
  const join = (lines: string[] | undefined) =>
    connectWebSocket(`ws://${base}/chat`, {
      message: (_ws, data) => void lines?.push(String(data)),
    });
  const first = await join(heard[0]);
  const second = await join(heard[1]);
  await waitUntil(() => heard[0]?.length === 2 && heard[1]?.length === 1, 'both are there');
  first.send('hello');
  await waitUntil(() => heard[1]?.at(-1) === 'guest 1: hello', 'the first one');
  assert.equal(heard[0]?.at(-1), 'guest 1: hello');
  const headers = { origin: 'http://elsewhere' };
  await assert.rejects(connectWebSocket(`ws://${base}/chat`, {}, { headers }), /404/);
  second.send(Buffer.from('bytes'));
  await waitUntil(() => heard[0]?.at(-1) === 'guest 2 has gone', 'it is refused');
  first.close();
  assert.equal(await example.stop(), 0);
});
