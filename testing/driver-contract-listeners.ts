import { strict as assert } from 'node:assert';
import { SyscallError } from '../src/base/errors.ts';
import {
  type ContractCases,
  descriptorsThatAreTold,
  quietTurns,
  Skip,
  skipUnsupported,
  tcp4At,
  transports,
} from './driver-contract-case.ts';
import type { Transport } from './driver-peers.ts';
import { type DriverRig, plainOptions } from './driver-rig.ts';

async function acceptsAndEchoes(rig: DriverRig, transport: Transport): Promise<void> {
  skipUnsupported(rig, transport);
  const listener = await rig.listen(transport);
  const { peer, stream } = await rig.pair(listener);
  stream.onReceived = (bytes) => rig.send(stream, bytes);
  peer.write(Buffer.from('hello '));
  await rig.turn();
  peer.write(Buffer.from('world'));
  await rig.until(() => peer.receivedBytes === 11, 'the echo comes back');
  assert.equal(peer.take().toString(), 'hello world');
  assert.equal(rig.driver.remoteAddress(stream.slot), peer.localAddress);
  assert.equal(rig.driver.localAddress(stream.slot), rig.driver.listenerAddress(listener));
  assert.deepEqual(rig.acceptedBy, [listener]);
}

const echoCases: ContractCases = Object.fromEntries(
  transports.map((transport) => [
    `accepts and echoes over ${transport}`,
    (rig: DriverRig) => acceptsAndEchoes(rig, transport),
  ]),
);

const knownPort = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

async function expectRefused(
  rig: DriverRig,
  listen: () => Promise<void>,
  code: string,
  address: string,
): Promise<void> {
  const before = rig.peers.openDescriptors();
  await assert.rejects(listen, (error) => {
    assert.ok(error instanceof SyscallError);
    assert.equal(error.code, code);
    assert.equal(error.address, address);
    assert.ok(error.syscall !== undefined && (error.errno ?? 0) > 0);
    return true;
  });
  assert.deepEqual(rig.peers.openDescriptors(), before);
}

export const listenerCases: ContractCases = {
  ...echoCases,

  async 'port 0 becomes a real port'(rig) {
    const first = rig.driver.listenerAddress(await rig.listen('tcp4'));
    const second = rig.driver.listenerAddress(await rig.listen('tcp4'));
    assert.match(first, /^127\.0\.0\.1:\d+$/);
    assert.ok(knownPort(first) > 0);
    assert.notEqual(first, second);
  },

  async 'a busy address is EADDRINUSE and leaves nothing open'(rig) {
    const address = rig.driver.listenerAddress(await rig.listen('tcp4'));
    const endpoint = tcp4At(knownPort(address));
    const again = (): Promise<void> => rig.openListener(7, endpoint, plainOptions);
    await expectRefused(rig, again, 'EADDRINUSE', address);
  },

  async 'a busy Unix path is EADDRINUSE and leaves nothing open'(rig) {
    skipUnsupported(rig, 'unix');
    const endpoint = rig.peers.endpoint('unix');
    const address = rig.driver.listenerAddress(await rig.listen('unix', endpoint));
    const again = (): Promise<void> => rig.openListener(7, endpoint, plainOptions);
    await expectRefused(rig, again, 'EADDRINUSE', address);
  },

  async "an address that is not this machine's is EADDRNOTAVAIL and leaves nothing open"(rig) {
    // TEST-NET-1 of RFC 5737: nobody has it.
    const endpoint = tcp4At(9, '192.0.2.1');
    const listen = (): Promise<void> => rig.openListener(7, endpoint, plainOptions);
    await expectRefused(rig, listen, 'EADDRNOTAVAIL', '192.0.2.1:9');
  },

  async 'nothing is accepted before startAccepting'(rig) {
    await rig.openListener(0, rig.peers.endpoint('tcp4'), plainOptions);
    rig.peers.connect(rig.driver.listenerAddress(0));
    await rig.turns(quietTurns);
    assert.equal(rig.acceptedBy.length, 0);
    rig.driver.startAccepting(0);
    await rig.until(() => rig.acceptedBy.length === 1, 'the waiting connection is accepted');
  },

  async 'a connection that was reset while it waited has its own address, or none, or is left out'(
    rig,
  ) {
    if (!rig.peers.canReset('tcp4')) throw new Skip('these peers cannot reset a connection');
    const listener = await rig.listen('tcp4');
    await rig.pair(listener);
    const addresses: string[] = [];
    rig.onAccepted = (_listener, descriptor) => {
      rig.driver.openStream(20, addresses.length + 1, descriptor, plainOptions);
      addresses.push(rig.driver.remoteAddress(20));
      rig.driver.closeStream(20, false);
    };
    const gone = rig.peers.connect(rig.driver.listenerAddress(listener));
    await rig.peersUntil(() => gone.connected, 'one waits');
    const whose = gone.localAddress;
    gone.reset();
    const last = rig.peers.connect(rig.driver.listenerAddress(listener));
    await rig.peersUntil(() => last.connected, 'another waits');
    await rig.until(() => addresses.includes(last.localAddress), 'that one is accepted');
    const others = addresses.filter((address) => address !== last.localAddress);
    assert.ok(others.length === 0 || others[0] === whose || others[0] === '', `${others}`);
    assert.ok(others.length <= 1);
  },

  async 'pauseAccepting leaves connections waiting, startAccepting goes on'(rig) {
    const listener = await rig.listen('tcp4');
    const { peer, stream } = await rig.pair(listener);
    rig.driver.pauseAccepting(listener);
    rig.driver.pauseAccepting(listener);
    rig.peers.connect(rig.driver.listenerAddress(listener));
    peer.write(Buffer.from('still served'));
    await rig.until(() => stream.text === 'still served', 'the open stream is served');
    const events = await rig.turns(quietTurns);
    assert.equal(rig.acceptedBy.length, 1);
    assert.equal(events, 0, 'waiting connections cost nothing');
    rig.driver.startAccepting(listener);
    rig.driver.startAccepting(listener);
    await rig.until(() => rig.acceptedBy.length === 2, 'the waiting connection is accepted');
  },

  async 'pausing from inside accepted stops the batch'(rig) {
    const listener = await rig.listen('tcp4');
    const address = rig.driver.listenerAddress(listener);
    rig.onAccepted = (number, descriptor) => {
      rig.driver.closeDescriptor(descriptor);
      rig.driver.pauseAccepting(number);
    };
    const peers = Array.from({ length: 5 }, () => rig.peers.connect(address));
    await rig.peersUntil(() => peers.every((peer) => peer.connected), 'all are connected');
    await rig.turns(quietTurns);
    assert.equal(rig.acceptedBy.length, 1);
  },

  async 'drainBacklog accepts what waits, at once, and refuses what comes'(rig) {
    const listener = await rig.listen('tcp4');
    const address = rig.driver.listenerAddress(listener);
    const peers = Array.from({ length: 100 }, () => rig.peers.connect(address));
    await rig.peersUntil(() => peers.every((peer) => peer.connected), 'all are connected');
    await rig.drainBacklog(listener);
    assert.equal(rig.acceptedBy.length, 100);
    const late = rig.peers.connect(address);
    await rig.until(() => late.broken !== undefined, 'a late caller is refused');
    assert.equal(late.broken, 'ECONNREFUSED');
    assert.equal(rig.acceptedBy.length, 100);
    peers[99]?.write(Buffer.from('last'));
    await rig.until(() => rig.streams[99]?.text === 'last', 'a drained connection is served');
  },

  async 'who comes while the backlog is drained does not hold it up'(rig) {
    const backlog = 8;
    const most = 200;
    rig.options = { ...plainOptions, backlog };
    const endpoint = tcp4At(knownPort(rig.driver.listenerAddress(await rig.listen('tcp4'))));
    const waiting = rig.peers.connect(rig.driver.listenerAddress(0));
    await rig.peersUntil(() => waiting.connected, 'one waits');
    // Where connecting is a system call the next one waits before the call returns.
    const callers = rig.another();
    let called = 0;
    rig.onAccepted = (_listener, descriptor) => {
      rig.driver.closeDescriptor(descriptor);
      if (called < most) callers.driver.connect(called++, 1, endpoint, plainOptions);
    };
    await rig.drainBacklog(0);
    assert.ok(rig.acceptedBy.length <= backlog + 2, `${rig.acceptedBy.length} were accepted`);
    callers.driver.close();
    callers.peers.close();
  },

  async 'a drained listener that was duplicated goes on admitting, and accepts nothing'(rig) {
    const listener = await rig.listen('tcp4');
    const duplicate = rig.driver.duplicateListener(listener);
    await rig.drainBacklog(listener);
    const late = rig.peers.connect(rig.driver.listenerAddress(listener));
    await rig.peersUntil(() => late.connected, 'a late caller is admitted');
    assert.equal(await rig.turns(quietTurns), 0);
    assert.equal(rig.acceptedBy.length, 0);
    rig.driver.closeDescriptor(duplicate);
  },

  async 'a wait accepts a bounded number of connections'(rig) {
    const listener = await rig.listen('tcp4');
    const address = rig.driver.listenerAddress(listener);
    const peers = Array.from({ length: 300 }, () => rig.peers.connect(address));
    await rig.peersUntil(() => peers.every((peer) => peer.connected), 'all are connected');
    while (rig.acceptedBy.length === 0) rig.wait(0);
    assert.ok(rig.acceptedBy.length < 300, `${rig.acceptedBy.length} at once`);
    await rig.until(() => rig.acceptedBy.length === 300, 'all are accepted in the end');
  },

  async 'two listeners are told apart'(rig) {
    const first = await rig.listen('tcp4');
    const second = await rig.listen('unix');
    await rig.pair(second);
    await rig.pair(first);
    assert.deepEqual(rig.acceptedBy, [second, first]);
  },

  async 'closeListener refuses new callers and leaves streams alone'(rig) {
    const listener = await rig.listen('tcp4');
    const address = rig.driver.listenerAddress(listener);
    const { peer, stream } = await rig.pair(listener);
    rig.driver.closeListener(listener);
    const late = rig.peers.connect(address);
    await rig.until(() => late.broken !== undefined, 'a late caller is refused');
    assert.equal(late.broken, 'ECONNREFUSED');
    peer.write(Buffer.from('served'));
    await rig.until(() => stream.text === 'served', 'the open stream is served');
    await rig.openListener(listener, rig.peers.endpoint('tcp4'), plainOptions);
    rig.driver.startAccepting(listener);
    await rig.pair(listener);
  },

  async 'closing the listener from inside accepted stops the batch'(rig) {
    const listener = await rig.listen('tcp4');
    const address = rig.driver.listenerAddress(listener);
    rig.onAccepted = (number, descriptor) => {
      rig.driver.closeDescriptor(descriptor);
      rig.driver.closeListener(number);
    };
    const peers = Array.from({ length: 3 }, () => rig.peers.connect(address));
    await rig.peersUntil(() => peers.every((peer) => peer.connected), 'all are connected');
    await rig.turns(quietTurns);
    assert.equal(rig.acceptedBy.length, 1);
  },

  async 'closeDescriptor turns an accepted connection away'(rig) {
    const listener = await rig.listen('tcp4');
    rig.onAccepted = (_listener, descriptor) => rig.driver.closeDescriptor(descriptor);
    const peer = rig.peers.connect(rig.driver.listenerAddress(listener));
    await rig.until(() => peer.ended || peer.broken !== undefined, 'the caller sees the end');
    assert.equal(rig.streams.length, 0);
  },

  async 'duplicateListener gives another descriptor'(rig) {
    const listener = await rig.listen('tcp4');
    const before = descriptorsThatAreTold(rig.peers).length;
    const duplicate = rig.driver.duplicateListener(listener);
    const line = rig.peers.openDescriptors().find((text) => text.startsWith(`${duplicate} `));
    assert.equal(rig.peers.openDescriptors().length, before + 1);
    assert.match(line ?? 'none', /close-on-exec$/);
    rig.driver.closeDescriptor(duplicate);
    assert.equal(rig.peers.openDescriptors().length, before);
  },
};
