import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { waitUntil } from '../support/wait-until.ts';
import { spawnExample } from './spawn-example.ts';

for (const loops of ['1', '2']) {
  test(`examples/market.ts tells prices and trades, with loops: ${loops}`, async (t) => {
    const example = await spawnExample('examples/market.ts', ['--tick', '20ms', '--loops', loops]);
    const heard: string[][] = [[], []];
    const clients = heard.map((list) => {
      const ws = new WebSocket(`ws://127.0.0.1:${example.port}`);
      t.after(() => ws.terminate());
      return ws.on('message', (data) => list.push(String(data)));
    });
    await Promise.all(clients.map((ws) => once(ws, 'open')));
    const pricesOf = (list: string[]): Set<string> =>
      new Set(
        list.filter((text) => /^\w+ [\d.]+$/.test(text)).map((text) => text.split(' ')[0] ?? ''),
      );
    await waitUntil(() => heard.every((list) => pricesOf(list).size === 3), 'all prices');
    clients[0]?.send('10 tulips');
    clients[0]?.send('2 tea');
    const tradesOf = (list: string[]): string[] => list.filter((text) => text.includes(' buys '));
    await waitUntil(() => heard.every((list) => tradesOf(list).length === 2), 'both trades');
    for (const list of heard) {
      assert.match(tradesOf(list)[0] ?? '', /^127\.0\.0\.1:\d+ buys 10 tulips$/);
      assert.match(tradesOf(list)[1] ?? '', /^127\.0\.0\.1:\d+ buys 2 tea$/);
    }
    assert.equal(await example.stop(), 0);
  });
}
