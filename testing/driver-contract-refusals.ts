/** Datagrams that no kernel takes: every driver refuses them for the same reason. */
import { strict as assert } from 'node:assert';
import { inetAddress, mappedInet } from '../src/base/inet-address.ts';
import type { DatagramPeer, Endpoint } from '../src/driver/contract.ts';
import { type ContractCases, Skip, skipUnsupported } from './driver-contract-case.ts';
import { type DriverRig, plainOptions } from './driver-rig.ts';

type UdpEndpoint = Endpoint & { readonly kind: 'udp' | 'tcp' };

const hostOf = (family: 4 | 6): string => (family === 4 ? '127.0.0.1' : '::1');

async function bind(rig: DriverRig, family: 4 | 6, more: Partial<UdpEndpoint> = {}) {
  skipUnsupported(rig, family === 4 ? 'tcp4' : 'tcp6');
  if (process.platform !== 'linux') throw new Skip('other kernels refuse with other numbers');
  const plain: UdpEndpoint = {
    kind: 'udp',
    family,
    v6Only: family === 6,
    host: hostOf(family),
    port: 0,
  };
  await rig.openEndpoint(0, { ...plain, ...more }, plainOptions);
  rig.driver.startReceiving(0);
}

interface Refused {
  readonly code: string;
  readonly to: DatagramPeer;
  readonly bytes?: number;
}

/** It is told at once, with the reason, and counted. */
function isRefused(rig: DriverRig, { code, to, bytes = 1 }: Refused): void {
  const { driver } = rig;
  const dropped = driver.counters.datagramsDropped;
  assert.equal(driver.sendDatagram(0, to, Buffer.alloc(bytes), null), false, code);
  const { code: given, message, ...details } = driver.datagramError() as NodeJS.ErrnoException;
  assert.equal(given, code, message);
  const address = driver.formatPeer(to);
  assert.equal((details as { address?: string }).address, address);
  assert.ok(message.startsWith(`cannot send a datagram to ${address}: `), message);
  assert.equal(driver.counters.datagramsDropped, dropped + 1);
}

async function longest(rig: DriverRig, family: 4 | 6, bytes: number): Promise<void> {
  await bind(rig, family);
  const peer = rig.peers.datagramSocket(family);
  await rig.peersUntil(() => peer.ready, 'the peer is bound');
  const port = Number(peer.localAddress.slice(peer.localAddress.lastIndexOf(':') + 1));
  const to = inetAddress(family, hostOf(family), port);
  for (const more of [1, 10, 10_000, 100_000]) {
    isRefused(rig, { code: 'EMSGSIZE', to, bytes: bytes + more });
  }
  assert.ok(rig.driver.sendDatagram(0, to, Buffer.alloc(bytes), null), 'the longest is taken');
  await rig.until(() => peer.received.length === 1, 'it arrives');
  assert.equal(peer.received[0]?.length, bytes);
}

export const refusalCases: ContractCases = {
  'over IPv4, a datagram of 65,507 bytes is the longest': (rig) => longest(rig, 4, 65_507),
  'over IPv6, one of 65,527 bytes is': (rig) => longest(rig, 6, 65_527),

  async 'a refused datagram of several is left out and counted'(rig) {
    await bind(rig, 4);
    const peer = rig.peers.datagramSocket(4);
    await rig.peersUntil(() => peer.ready, 'the peer is bound');
    const port = Number(peer.localAddress.slice(peer.localAddress.lastIndexOf(':') + 1));
    const all = ['one', Buffer.alloc(65_508), 'two'].map((data) => Buffer.from(data as string));
    assert.equal(rig.driver.sendDatagrams(0, inetAddress(4, '127.0.0.1', port), all, null), 2);
    await rig.until(() => peer.received.length === 2, 'the others arrive');
    assert.equal(rig.driver.counters.datagramsDropped, 1);
  },

  async 'port 0 is nobody, over IPv4'(rig) {
    await bind(rig, 4);
    isRefused(rig, { code: 'EINVAL', to: inetAddress(4, '127.0.0.1', 0) });
  },
  async 'port 0 is nobody, over IPv6'(rig) {
    await bind(rig, 6);
    isRefused(rig, { code: 'EINVAL', to: inetAddress(6, '::1', 0) });
  },

  async 'a socket of IPv4 does not reach IPv6'(rig) {
    await bind(rig, 4);
    isRefused(rig, { code: 'EAFNOSUPPORT', to: inetAddress(6, '::1', 9) });
  },
  async 'one of IPv6 alone does not reach IPv4'(rig) {
    await bind(rig, 6);
    const to = mappedInet(inetAddress(4, '127.0.0.1', 9));
    isRefused(rig, { code: 'ENETUNREACH', to });
  },

  async 'one that is refused while datagrams are handed out is told of afterwards'(rig) {
    await bind(rig, 4);
    const peer = rig.peers.datagramSocket(4);
    await rig.peersUntil(() => peer.ready, 'the peer is bound');
    const before = rig.driver.counters.datagramsDropped;
    rig.onDatagram = (endpoint) => {
      const to = rig.datagramPeer as DatagramPeer;
      rig.driver.sendDatagram(endpoint, to, Buffer.alloc(65_508), null);
      rig.driver.sendDatagram(endpoint, to, Buffer.from('short'), null);
    };
    peer.send(rig.driver.endpointAddress(0), Buffer.from('x'));
    await rig.until(() => peer.received.length === 1, 'the other one arrives');
    assert.equal(peer.received[0]?.toString(), 'short');
    assert.equal(rig.driver.counters.datagramsDropped, before + 1);
  },

  async 'nobody where a socket is connected to: it is told'(rig) {
    skipUnsupported(rig, 'tcp4');
    const gone = rig.peers.datagramSocket(4);
    await rig.peersUntil(() => gone.ready, 'the peer is bound');
    const address = gone.localAddress;
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    gone.close();
    await rig.turns(3);
    await bind(rig, 4, { port, connects: true });
    const to = inetAddress(4, '127.0.0.1', port);
    rig.driver.sendDatagram(0, to, Buffer.from('hello?'), null);
    await rig.until(() => rig.datagramFailures.length > 0, 'the network says so');
    const [{ endpoint, peer, error }] = rig.datagramFailures as [
      (typeof rig.datagramFailures)[number],
    ];
    assert.deepEqual([endpoint, peer, error.code], [0, null, 'ECONNREFUSED']);
    assert.ok(error.message.startsWith(`cannot reach ${address} by datagrams: `), error.message);
  },

  async 'a connected socket hears nobody but its peer'(rig) {
    const [peer, stranger] = [rig.peers.datagramSocket(4), rig.peers.datagramSocket(4)];
    await rig.peersUntil(() => peer.ready && stranger.ready, 'both are bound');
    const port = Number(peer.localAddress.slice(peer.localAddress.lastIndexOf(':') + 1));
    await bind(rig, 4, { port, connects: true });
    const address = rig.driver.endpointAddress(0);
    stranger.send(address, Buffer.from('strange'));
    await rig.turns(3);
    peer.send(address, Buffer.from('known'));
    await rig.until(() => rig.datagrams.length > 0, 'the peer is heard');
    assert.deepEqual(
      rig.datagrams.map(({ bytes }) => bytes.toString()),
      ['known'],
    );
  },
};
