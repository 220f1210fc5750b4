/** The examples over UDP: sessions by peer, multicast, bursts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatagramClient } from '../support/datagram-client.ts';
import { text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { runExample, spawnExample } from './spawn-example.ts';

test('examples/udp-chat.ts: each peer has its name, until it goes or is silent', async (t) => {
  const flags = ['--host=127.0.0.1', '--idle=400ms'];
  const example = await spawnExample('examples/udp-chat.ts', flags);
  const address = `127.0.0.1:${example.port}`;
  const [one, other] = [await DatagramClient.open(t), await DatagramClient.open(t)];
  await one.send(address, 'hello');
  // The chat has heard the first before the second one speaks: loopback keeps their order.
  await other.send(address, 'good day');
  const heard = async (): Promise<string> => text(await one.next());
  assert.equal(await heard(), 'guest 2 has come\n');
  assert.equal(await heard(), 'guest 2 says good day\n');
  await other.send(address, 'bye');
  assert.equal(await heard(), 'guest 2 has gone\n');
  await other.send(address, 'me again');
  assert.equal(await heard(), 'guest 3 has come\n');
  assert.equal(await heard(), 'guest 3 says me again\n');
  const awake = setInterval(() => void one.send(address, 'still here'), 50);
  t.after(() => clearInterval(awake));
  assert.equal(await heard(), 'guest 3 has gone\n');
  assert.equal(await example.stop(), 0);
});

test('examples/discovery.ts answers who asks its group, and nobody else', async (t) => {
  const example = await spawnExample('examples/discovery.ts', ['--host=127.0.0.1']);
  const asker = await DatagramClient.open(t);
  asker.socket.setMulticastInterface('127.0.0.1');
  for (const question of ['what?', 'who?']) {
    await asker.send(`239.255.19.84:${example.port}`, question);
  }
  assert.match(text(await asker.next()), /, process \d+\n$/);
  assert.equal(asker.senders[0]?.port, example.port);
  assert.equal(await example.stop(), 0);
  assert.equal(asker.received.length, 0);
});

test('examples/offload: every datagram of every burst comes', async () => {
  const receiver = await spawnExample('examples/offload/receive.ts', ['--host=127.0.0.1']);
  const upstream = `--upstream=127.0.0.1:${receiver.port}`;
  const { code, output } = await runExample('examples/offload/send.ts', [upstream]);
  assert.deepEqual([code, output], [0, '1600 datagrams were sent in 50 bursts\n']);
  assert.equal(await receiver.stop(), 0);
  await waitUntil(() => receiver.output().includes('datagrams came'), 'the count');
  assert.match(receiver.output(), /^1600 datagrams came from 127\.0\.0\.1:\d+$/m);
});
