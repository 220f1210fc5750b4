import { strict as assert } from 'node:assert';
import { inetAddress } from '../src/base/inet-address.ts';
import type { Slab } from '../src/buffer/slab.ts';
import type { DatagramPeer, Endpoint } from '../src/driver/contract.ts';
import { type ContractCases, quietTurns, skipUnsupported } from './driver-contract-case.ts';
import type { DatagramPeerSocket } from './driver-peers.ts';
import { type DriverRig, plainOptions } from './driver-rig.ts';

const inetEndpoint = (family: 4 | 6): Endpoint & { readonly kind: 'udp' | 'tcp' } => ({
  kind: 'udp',
  family,
  v6Only: family === 6,
  host: family === 4 ? '127.0.0.1' : '::1',
  port: 0,
});

const endpointFor: (family: 4 | 6) => Endpoint = inetEndpoint;

async function bind(rig: DriverRig, id: number, family: 4 | 6 = 4): Promise<string> {
  await rig.openEndpoint(id, endpointFor(family), plainOptions);
  rig.driver.startReceiving(id);
  return rig.driver.endpointAddress(id);
}

async function readyPeer(rig: DriverRig, family: 4 | 6 = 4): Promise<DatagramPeerSocket> {
  const peer = rig.peers.datagramSocket(family);
  await rig.peersUntil(() => peer.ready, 'the peer is bound');
  return peer;
}

async function drains(rig: DriverRig): Promise<void> {
  skipUnsupported(rig, 'tcp4');
  const address = await bind(rig, 0);
  const peer = await readyPeer(rig);
  rig.onDatagram = (endpoint, slab, start, end) => {
    const to = rig.datagramPeer as DatagramPeer;
    rig.driver.sendDatagramFrom(endpoint, to, slab, start, end - start, null);
  };
  for (let index = 0; index < 100; index++) peer.send(address, Buffer.from(`d${index}`));
  for (let turn = 0; turn < quietTurns; turn++) await rig.peersTurn();
  rig.drainEndpoint(0);
  const drained = rig.datagrams.length;
  assert.ok(drained > 0, 'what waits is reported from inside the call');
  peer.send(address, Buffer.from('too late'));
  await rig.turns(quietTurns);
  assert.equal(rig.datagrams.length, drained, 'then nothing is received');
  await rig.until(() => peer.received.length === drained, 'answers still go out');
  rig.driver.closeEndpoint(0);
}

async function echoes(rig: DriverRig, family: 4 | 6): Promise<void> {
  skipUnsupported(rig, family === 4 ? 'tcp4' : 'tcp6');
  const address = await bind(rig, 0, family);
  const peer = await readyPeer(rig, family);
  rig.onDatagram = (endpoint, slab, start, end) => {
    const to = rig.datagramPeer as DatagramPeer;
    assert.ok(rig.driver.sendDatagramFrom(endpoint, to, slab, start, end - start, null));
  };
  peer.send(address, Buffer.from('ping'));
  await rig.until(() => peer.received.length === 1, 'the echo comes back');
  assert.equal(peer.received[0]?.toString(), 'ping');
  assert.equal(rig.driver.formatPeer(rig.datagrams[0]?.peer as DatagramPeer), peer.localAddress);
  assert.equal(rig.datagrams[0]?.truncated, false);
}

export const datagramCases: ContractCases = {
  'echoes over udp4': (rig) => echoes(rig, 4),
  'echoes over udp6': (rig) => echoes(rig, 6),
  'drained: what waits is reported, nothing else is received, answers go out': drains,

  async 'nothing is reported before startReceiving'(rig) {
    await rig.openEndpoint(0, endpointFor(4), plainOptions);
    const peer = await readyPeer(rig);
    peer.send(rig.driver.endpointAddress(0), Buffer.from('early'));
    await rig.turns(quietTurns);
    assert.equal(rig.datagrams.length, 0);
    rig.driver.startReceiving(0);
    await rig.until(() => rig.datagrams.length === 1, 'what waited is reported');
  },

  async 'an empty datagram is a datagram, both ways'(rig) {
    const address = await bind(rig, 0);
    const peer = await readyPeer(rig);
    peer.send(address, Buffer.alloc(0));
    await rig.until(() => rig.datagrams.length === 1, 'it is reported');
    assert.equal(rig.datagrams[0]?.bytes.length, 0);
    const to = rig.datagrams[0]?.peer as DatagramPeer;
    assert.ok(rig.driver.sendDatagram(0, to, Buffer.alloc(0), null));
    await rig.until(() => peer.received.length === 1, 'it comes back');
    assert.equal(peer.received[0]?.length, 0);
  },

  'a datagram longer than the buffer is cut and says so': {
    readBufferBytes: 4_096,
    async run(rig) {
      const address = await bind(rig, 0);
      const peer = await readyPeer(rig);
      const bytes = Buffer.from(Array.from({ length: 6_000 }, (_, index) => index & 255));
      peer.send(address, bytes);
      await rig.until(() => rig.datagrams.length === 1, 'it is reported');
      const [cut] = rig.datagrams;
      assert.equal(cut?.truncated, true);
      assert.deepEqual(cut?.bytes, bytes.subarray(0, cut?.bytes.length));
      assert.ok((cut?.bytes.length ?? 0) >= 4_096 && (cut?.bytes.length ?? 0) < 6_000);
      peer.send(address, bytes.subarray(0, 4_096));
      await rig.until(() => rig.datagrams.length === 2, 'the next one is reported');
      assert.equal(rig.datagrams[1]?.truncated, false);
      assert.equal(rig.datagrams[1]?.bytes.length, 4_096);
    },
  },

  async '64 that wait are all answered, whole and to their sender'(rig) {
    const address = await bind(rig, 0);
    const peers = [await readyPeer(rig), await readyPeer(rig)];
    rig.onDatagram = (endpoint, slab, start, end) => {
      const to = rig.datagramPeer as DatagramPeer;
      const bytes = Buffer.from(slab.bytes.subarray(start, end));
      assert.ok(rig.driver.sendDatagram(endpoint, to, bytes, null));
      bytes.fill(0); // it was taken: what happens to it now is nobody's business
    };
    for (let number = 0; number < 32; number++) {
      peers.forEach((peer, side) => {
        peer.send(address, Buffer.from(`${side}:${number}`.padEnd(20 + number, '.')));
      });
    }
    await rig.peersTurn();
    const all = (): boolean => peers.every((peer) => peer.received.length === 32);
    await rig.until(all, 'every answer arrives');
    peers.forEach((peer, side) => {
      const numbers = peer.received.map((bytes) => {
        const text = bytes.toString();
        assert.ok(text.startsWith(`${side}:`));
        const number = Number.parseInt(text.slice(2), 10);
        assert.equal(bytes.length, 20 + number);
        return number;
      });
      assert.deepEqual(
        numbers.sort((one, other) => one - other),
        Array.from({ length: 32 }, (_, index) => index),
      );
    });
  },

  async 'a retained slab keeps its datagram'(rig) {
    const address = await bind(rig, 0);
    const peer = await readyPeer(rig);
    const kept: { slab: Slab; start: number; expected: Buffer }[] = [];
    rig.onDatagram = (_endpoint, slab, start, end) => {
      // As `SlabPool.retain` does; the pool it came from is the driver's own business.
      slab.references++;
      kept.push({ slab, start, expected: Buffer.from(slab.bytes.subarray(start, end)) });
    };
    for (let number = 0; number < 20; number++) {
      peer.send(address, Buffer.from(`datagram ${number}`));
      await rig.until(() => kept.length === number + 1, 'it is reported');
    }
    for (const { slab, start, expected } of kept) {
      assert.deepEqual(slab.bytes.subarray(start, start + expected.length), expected);
    }
    assert.deepEqual(rig.datagrams[19]?.bytes.toString(), 'datagram 19');
  },

  async 'a wait reports a bounded number'(rig) {
    const address = await bind(rig, 0);
    const peer = await readyPeer(rig);
    for (let number = 0; number < 150; number++) peer.send(address, Buffer.from([number]));
    await rig.peersTurn();
    await rig.peersTurn();
    await rig.until(() => rig.datagrams.length > 0, 'some are reported');
    assert.ok(rig.datagrams.length < 150, `${rig.datagrams.length} at once`);
    await rig.until(() => rig.datagrams.length === 150, 'all are reported in the end');
  },

  async 'one endpoint may answer through another'(rig) {
    const first = await bind(rig, 0);
    await bind(rig, 1);
    const peer = await readyPeer(rig);
    const other = await readyPeer(rig);
    // Who is called on 0 answers on 0 and tells the other peer through 1.
    let otherPeer: DatagramPeer | null = null;
    rig.onDatagram = (endpoint, slab, start, end) => {
      const from = { ...(rig.datagramPeer as DatagramPeer) };
      if (rig.driver.formatPeer(from) === other.localAddress) {
        otherPeer = from;
        return;
      }
      const bytes = slab.bytes.subarray(start, end);
      assert.ok(rig.driver.sendDatagram(endpoint, from, bytes, null));
      assert.ok(rig.driver.sendDatagram(1, otherPeer as unknown as DatagramPeer, bytes, null));
    };
    other.send(first, Buffer.from('register'));
    await rig.until(() => otherPeer !== null, 'the other peer is known');
    peer.send(first, Buffer.from('relay'));
    const both = (): boolean => peer.received.length === 1 && other.received.length === 1;
    await rig.until(both, 'both get their datagram');
    assert.deepEqual(peer.senders, [first]);
    assert.deepEqual(other.senders, [rig.driver.endpointAddress(1)]);
  },

  async 'a peer that cannot be reached leaves the endpoint alive'(rig) {
    const address = await bind(rig, 0);
    const gone = await readyPeer(rig);
    gone.send(address, Buffer.from('who am I'));
    await rig.until(() => rig.datagrams.length === 1, 'the peer is known');
    const to = rig.datagrams[0]?.peer as DatagramPeer;
    gone.close();
    await rig.turns(3);
    for (let count = 0; count < 5; count++) {
      rig.driver.sendDatagram(0, to, Buffer.from('nobody home'), null);
      rig.driver.sendDatagram(0, { ...to, port: 0 }, Buffer.from('no such port'), null);
      await rig.turn();
    }
    const peer = await readyPeer(rig);
    peer.send(address, Buffer.from('still there?'));
    await rig.until(() => rig.datagrams.length === 2, 'others are heard');
    assert.equal(rig.datagrams[1]?.bytes.toString(), 'still there?');
    assert.equal(await rig.turns(quietTurns), 0, 'errors of the past cost nothing');
  },

  async 'a connected endpoint sends to its peer and hears it'(rig) {
    const peer = await readyPeer(rig);
    const port = Number(peer.localAddress.slice(peer.localAddress.lastIndexOf(':') + 1));
    await rig.openEndpoint(0, { ...inetEndpoint(4), port, connects: true }, plainOptions);
    rig.driver.startReceiving(0);
    const to = inetAddress(4, '127.0.0.1', port);
    assert.ok(rig.driver.sendDatagram(0, to, Buffer.from('one'), null));
    assert.ok(rig.driver.sendDatagramNow(0, to, Buffer.from('two'), null));
    await rig.until(() => peer.received.length === 2, 'both arrive');
    assert.deepEqual(peer.received.map(String).sort(), ['one', 'two']);
    assert.deepEqual(peer.senders, Array(2).fill(rig.driver.endpointAddress(0)));
    peer.send(rig.driver.endpointAddress(0), Buffer.from('back'));
    await rig.until(() => rig.datagrams.length === 1, 'the answer comes');
    assert.equal(rig.datagrams[0]?.bytes.toString(), 'back');
  },

  async 'closing the endpoint from inside datagram stops the batch'(rig) {
    const address = await bind(rig, 0);
    const peer = await readyPeer(rig);
    rig.onDatagram = (endpoint) => rig.driver.closeEndpoint(endpoint);
    for (let number = 0; number < 10; number++) peer.send(address, Buffer.from([number]));
    await rig.until(() => rig.datagrams.length > 0, 'the first arrives');
    await rig.peersTurn();
    await rig.turns(quietTurns);
    assert.equal(rig.datagrams.length, 1);
  },

  async 'a busy port is EADDRINUSE and leaves nothing open'(rig) {
    const address = await bind(rig, 0);
    const before = rig.peers.openDescriptors();
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    const again = { ...endpointFor(4), port };
    const bindAgain = rig.openEndpoint(1, again, plainOptions);
    await assert.rejects(bindAgain, { code: 'EADDRINUSE', address });
    assert.deepEqual(rig.peers.openDescriptors(), before);
  },
};
