import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { type ContractCases, quietTurns, Skip } from './driver-contract-case.ts';
import { type DriverRig, plainOptions } from './driver-rig.ts';

/**
 * O_NONBLOCK belongs to the open file, which every duplicate shares. A child that is given one as its
 * standard input has the runtime clear the flag for it.
 */
function makeBlocking(rig: DriverRig, descriptor: number): void {
  if (!rig.peers.exhaustsProcess) throw new Skip('these descriptors are no files');
  if (descriptor === -1) throw new Skip('this driver has no descriptors');
  const { error } = spawnSync('true', { stdio: [descriptor, 'ignore', 'ignore'] });
  if (error !== undefined) throw new Skip(`a child cannot be started: ${error.message}`);
}

/** Each would stand still for ever where a call waits. */
export const sharingCases: ContractCases = {
  async 'a listener that another holder made blocking holds nobody up'(rig) {
    const listener = await rig.listen('tcp4');
    const duplicate = rig.driver.duplicateListener(listener);
    makeBlocking(rig, duplicate);
    const address = rig.driver.listenerAddress(listener);
    for (let count = 0; count < 3; count++) {
      const { peer, stream } = await rig.pair(listener);
      peer.write(Buffer.from('hello'));
      await rig.until(() => stream.text === 'hello', 'it is served');
    }
    const waiting = Array.from({ length: 3 }, () => rig.peers.connect(address));
    await rig.peersUntil(() => waiting.every((peer) => peer.connected), 'they are connected');
    await rig.drainBacklog(listener);
    assert.equal(rig.acceptedBy.length, 6);
    rig.driver.closeDescriptor(duplicate);
  },

  async 'a stream that another holder made blocking holds nobody up'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    makeBlocking(rig, rig.driver.descriptorOf(stream.slot));
    peer.pauseReading();
    const bytes = Buffer.alloc(8 * 1024 * 1024, 1);
    rig.send(stream, bytes);
    await rig.turns(quietTurns);
    assert.ok(stream.queue.length > 0, 'the reader that stopped takes no more');
    peer.write(Buffer.from('hello'));
    await rig.until(() => stream.text === 'hello', 'bytes are received');
    peer.resumeReading();
    await rig.until(() => peer.receivedBytes === bytes.length, 'everything is sent');
  },

  async 'a datagram socket that another holder made blocking holds nobody up'(rig) {
    const endpoint = { kind: 'udp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 } as const;
    await rig.openEndpoint(0, endpoint, plainOptions);
    const duplicate = rig.driver.duplicateEndpoint(0);
    makeBlocking(rig, duplicate);
    rig.driver.startReceiving(0);
    const peer = rig.peers.datagramSocket(4);
    await rig.peersUntil(() => peer.ready, 'the peer is bound');
    for (let count = 1; count <= 3; count++) {
      peer.send(rig.driver.endpointAddress(0), Buffer.from('hello'));
      await rig.until(() => rig.datagrams.length === count, 'it is received');
    }
    rig.driver.closeDescriptor(duplicate);
  },
};
