import { strict as assert } from 'node:assert';
import { BytePattern } from './byte-pattern.ts';
import { type ContractCases, skipUnsupported } from './driver-contract-case.ts';
import type { ListenerPeer, StreamPeer, Transport } from './driver-peers.ts';
import type { DriverRig, StreamRecord } from './driver-rig.ts';

async function listening(rig: DriverRig, transport: Transport): Promise<ListenerPeer> {
  skipUnsupported(rig, transport);
  const listener = rig.peers.listen(transport);
  await rig.peersUntil(() => listener.ready, 'the peer listens');
  return listener;
}

async function connected(
  rig: DriverRig,
  listener: ListenerPeer,
): Promise<{ stream: StreamRecord; peer: StreamPeer }> {
  const stream = rig.connect(listener.endpoint);
  const met = (): boolean => stream.connectedCount === 1 && listener.accepted.length === 1;
  await rig.until(met, 'the connection is established');
  return { stream, peer: listener.accepted[0] as StreamPeer };
}

async function connectsAndTalks(rig: DriverRig, transport: Transport): Promise<void> {
  const { stream, peer } = await connected(rig, await listening(rig, transport));
  rig.send(stream, Buffer.from('question'));
  await rig.until(() => peer.receivedBytes === 8, 'the question arrives');
  assert.equal(peer.take().toString(), 'question');
  peer.write(Buffer.from('answer'));
  peer.end();
  await rig.until(() => stream.endedCount === 1, 'the answer and the end arrive');
  assert.equal(stream.text, 'answer');
  rig.close(stream);
  await rig.until(() => peer.ended, 'the peer sees the end');
}

async function isRefused(rig: DriverRig, transport: Transport): Promise<void> {
  const listener = await listening(rig, transport);
  listener.close();
  await rig.peersTurn();
  const before = rig.peers.openDescriptors().length;
  const stream = rig.connect(listener.endpoint);
  await rig.until(() => stream.failures.length === 1, 'the refusal is reported');
  assert.equal(stream.connectedCount, 0);
  const code = stream.failures[0]?.code;
  // A listening peer of node:net takes its path away with it.
  assert.ok(code === 'ECONNREFUSED' || (transport === 'unix' && code === 'ENOENT'), `${code}`);
  rig.close(stream);
  assert.equal(rig.peers.openDescriptors().length, before);
}

export const outgoingCases: ContractCases = {
  'connects and talks over tcp4': (rig) => connectsAndTalks(rig, 'tcp4'),
  'connects and talks over tcp6': (rig) => connectsAndTalks(rig, 'tcp6'),
  'connects and talks over unix': (rig) => connectsAndTalks(rig, 'unix'),
  'a refused connection fails over tcp4': (rig) => isRefused(rig, 'tcp4'),
  'a refused connection fails over unix': (rig) => isRefused(rig, 'unix'),

  async 'addresses of both ends are known once connected'(rig) {
    const listener = await listening(rig, 'tcp4');
    const { stream } = await connected(rig, listener);
    assert.ok(listener.endpoint.kind === 'tcp');
    assert.equal(rig.driver.remoteAddress(stream.slot), `127.0.0.1:${listener.endpoint.port}`);
    assert.match(rig.driver.localAddress(stream.slot), /^127\.0\.0\.1:\d+$/);
  },

  async 'what is sent before the connection stands goes out when it does'(rig) {
    const listener = await listening(rig, 'tcp4');
    const stream = rig.connect(listener.endpoint);
    // More than any buffer on the way holds: the rest must be asked for by `writable`.
    const pattern = new BytePattern(10);
    const total = 16 * 1024 * 1024;
    rig.send(stream, pattern.slice(0, total));
    assert.ok(stream.queue.length > 0);
    await rig.until(() => listener.accepted[0]?.receivedBytes === total, 'everything arrives');
    assert.equal(stream.connectedCount, 1);
    assert.ok(pattern.matches(0, listener.accepted[0]?.take() as Buffer));
  },

  async 'a connection may be given up before it stands'(rig) {
    const listener = await listening(rig, 'tcp4');
    const stream = rig.connect(listener.endpoint);
    rig.close(stream, true);
    const { peer } = await rig.pair(await rig.listen('tcp4'));
    assert.ok(peer.connected);
    assert.equal(stream.connectedCount + stream.failures.length, 0);
  },
};
