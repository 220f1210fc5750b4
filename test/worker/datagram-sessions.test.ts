/** Sessions of datagrams, and datagrams to anybody, with several loops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatagramClient } from '../support/datagram-client.ts';
import { text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('a peer stays on its loop, and the server reaches anybody', async (t) => {
  const { server } = await startLoops(
    t,
    handlerModule('counts-datagrams.ts'),
    { numEventLoop: 2, udpSessions: true },
    'udp://127.0.0.1:0',
  );
  const clients = await Promise.all(Array.from({ length: 16 }, () => DatagramClient.open(t)));
  for (const expected of ['1', '2', '3']) {
    for (const client of clients) {
      await client.send(server.addr, 'x');
      assert.equal(text(await client.next()), expected);
    }
  }
  const sum = (): number =>
    server.stats().loops.reduce((total, loop) => total + loop.datagramSessions, 0);
  await waitUntil(() => sum() === 16, 'every session is counted');
  for (const client of clients) await server.sendTo(client.address, 'from the main thread');
  for (const client of clients) assert.equal(text(await client.next()), 'from the main thread');
  const [first] = clients as [DatagramClient];
  await assert.rejects(server.sendTo('[::1]:9', 'x'), { code: 'ErrUnsupportedOp' });
  await first.send(server.addr, 'to me, from the thread of a loop');
  assert.equal(text(await first.next()), 'from a loop');
});
