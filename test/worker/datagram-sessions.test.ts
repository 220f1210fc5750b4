/** Sessions of datagrams, and datagrams to anybody, with several loops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatagramClient } from '../support/datagram-client.ts';
import { type Report, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { notOn } from '../support/driver.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

const deaths = (reports: readonly Report[]): number =>
  reports.filter(({ message }) => /thread of an event loop died/.test(message)).length;

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

test(
  'a loop that dies takes no peer from another, and leaves its own to its successor',
  notOn('node', 'its sockets end with their thread'),
  async (t) => {
    const { server, reports } = await startLoops(
      t,
      handlerModule('counts-datagrams.ts'),
      { numEventLoop: 3, udpSessions: true },
      'udp://127.0.0.1:0',
    );
    const clients = await Promise.all(Array.from({ length: 24 }, () => DatagramClient.open(t)));
    const ask = async (client: DatagramClient): Promise<string> => {
      await client.send(server.addr, 'loop?');
      return text(await client.next());
    };
    const loops: string[] = [];
    for (const client of clients) loops.push((await ask(client)).slice(0, 1));
    for (let death = 1; death <= 2; death++) {
      const [first] = clients as [DatagramClient];
      await first.send(server.addr, 'die');
      await waitUntil(() => deaths(reports) === death, 'the death');
      const peers = clients.map((client, index) => ({ client, loop: loops[index] as string }));
      for (const { client, loop } of peers) {
        // What comes while there is no thread waits for the next one.
        const count = loop === loops[0] ? 1 : death + 1;
        assert.equal(await ask(client), `${loop} ${count}`);
      }
    }
  },
);
