import { strict as assert } from 'node:assert';
import { Worker } from 'node:worker_threads';
import { type ContractCases, quietTurns, Skip, tcp4At } from './driver-contract-case.ts';
import { type DriverRig, openEndpoint, openListener } from './driver-rig.ts';

/** A wait this long that is not ended by something else is a hang. */
const hangMs = 60_000;

/** Waits in the kernel; fails if only the time ended it. */
function expectWaitEnds(rig: DriverRig, by: string): void {
  const before = performance.now();
  rig.wait(hangMs);
  assert.ok(performance.now() - before < hangMs, `the wait was ended by ${by}`);
}

/** Writes an 8-byte 1 to a descriptor once the main thread is in its wait, or about to be. */
const wakerSource = `
  const { writeSync } = require('node:fs');
  const { workerData } = require('node:worker_threads');
  const { descriptor, gate } = workerData;
  Atomics.wait(gate, 0, 0);
  Atomics.wait(gate, 1, 0, 20);
  const one = Buffer.alloc(8);
  one.writeBigUInt64LE(1n);
  writeSync(descriptor, one);
`;

/** As above, once for each new number at the gate. */
const manyWakesSource = `
  const { writeSync } = require('node:fs');
  const { workerData } = require('node:worker_threads');
  const { descriptor, gate } = workerData;
  const one = Buffer.alloc(8);
  one.writeBigUInt64LE(1n);
  for (let seen = 0; ; seen++) {
    Atomics.wait(gate, 0, seen);
    Atomics.wait(gate, 1, 0, 5);
    writeSync(descriptor, one);
  }
`;
/** Nobody waits that long for a wake. */
const lateMs = 15_000;

export const waitingCases: ContractCases = {
  async 'an idle driver reports nothing and does not sleep with a timeout of 0'(rig) {
    await rig.listen('tcp4');
    assert.equal(await rig.turns(quietTurns), 0);
    assert.equal(rig.driver.counters.waits, quietTurns);
    assert.equal(rig.driver.counters.events, 0);
  },

  async 'a timeout ends a wait'(rig) {
    await rig.listen('tcp4');
    assert.equal(rig.wait(1), 0);
  },

  'a wake before the wait ends it, and many count once'(rig) {
    for (let count = 0; count < 10; count++) rig.driver.wake();
    expectWaitEnds(rig, 'the wake');
    assert.equal(rig.wait(0), 0, 'the wakes were used up');
  },

  async 'a write to the wake descriptor from another thread ends the wait'(rig) {
    const descriptor = rig.driver.wakeDescriptor;
    if (descriptor === -1) throw new Skip('this driver has no wake descriptor');
    const gate = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(wakerSource, { eval: true, workerData: { descriptor, gate } });
    await new Promise((resolve) => worker.once('online', resolve));
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    expectWaitEnds(rig, 'the other thread');
    await new Promise((resolve) => worker.once('exit', resolve));
    assert.equal(rig.wait(0), 0, 'the wake was used up');
  },

  async 'something to report ends the wait'(rig) {
    const listener = await rig.listen('tcp4');
    const { peer, stream } = await rig.pair(listener);
    peer.write(Buffer.from('now'));
    await rig.peersTurn();
    while (stream.receivedBytes < 3) {
      // What is over the runtime's own sockets hears of bytes in some turn of the runtime.
      if (rig.driver.wakeDescriptor === -1) await rig.turn();
      else expectWaitEnds(rig, 'the bytes');
    }
    assert.equal(stream.text, 'now');
  },

  'a watched descriptor ends the wait, until it is unwatched'(rig) {
    const descriptor = rig.driver.wakeDescriptor;
    if (descriptor === -1) throw new Skip('this driver has no descriptors to watch');
    // The wake descriptor of a second driver stands for any descriptor that becomes readable.
    const second = rig.another().driver;
    try {
      rig.driver.watch(second.wakeDescriptor);
      assert.equal(rig.wait(0), 0);
      second.wake();
      expectWaitEnds(rig, 'the watched descriptor');
      rig.driver.unwatch(second.wakeDescriptor);
      assert.equal(rig.wait(0), 0);
    } finally {
      second.close();
    }
  },

  async 'the pollable descriptor is readable when there is something to report'(rig) {
    if (rig.driver.pollableDescriptor === -1) throw new Skip('this driver has none');
    const outer = rig.another().driver;
    try {
      const listener = await rig.listen('tcp4');
      outer.watch(rig.driver.pollableDescriptor);
      assert.equal(outer.wait(0), 0);
      const peer = rig.peers.connect(rig.driver.listenerAddress(listener));
      await rig.peersUntil(() => peer.connected, 'the peer is connected');
      const before = performance.now();
      outer.wait(hangMs);
      assert.ok(performance.now() - before < hangMs, 'the outer wait was ended');
      rig.wait(0);
      assert.equal(rig.acceptedBy.length, 1);
      outer.unwatch(rig.driver.pollableDescriptor);
    } finally {
      outer.close();
    }
  },

  async 'and after each of many wakes from another thread'(rig) {
    const descriptor = rig.driver.wakeDescriptor;
    if (descriptor === -1) throw new Skip('this driver has no wake descriptor');
    const outer = rig.another().driver;
    const gate = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(manyWakesSource, { eval: true, workerData: { descriptor, gate } });
    try {
      await new Promise((resolve) => worker.once('online', resolve));
      outer.watch(rig.driver.pollableDescriptor);
      for (let count = 1; count <= 20; count++) {
        Atomics.store(gate, 0, count);
        Atomics.notify(gate, 0);
        const before = performance.now();
        outer.wait(lateMs);
        assert.ok(performance.now() - before < lateMs, `wake ${count} ended the outer wait`);
        rig.wait(0);
        outer.wait(0);
      }
      outer.unwatch(rig.driver.pollableDescriptor);
    } finally {
      await worker.terminate();
      outer.close();
    }
  },

  async 'close closes everything, and again is nothing'(rig) {
    // Once for what a first driver of a process opens for good.
    rig.another().driver.close();
    const before = rig.peers.openDescriptors();
    const { driver, peers } = rig.another();
    const options = rig.options;
    await openListener(driver, 0, peers.endpoint('tcp4'), options);
    await openListener(driver, 1, peers.endpoint('unix'), options);
    await openEndpoint(
      driver,
      0,
      { kind: 'udp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 },
      options,
    );
    driver.startReceiving(0);
    const port = Number(driver.listenerAddress(0).split(':')[1]);
    driver.connect(3, 1, tcp4At(port), options);
    await rig.peersTurn();
    const open = peers.openDescriptors().length;
    // Some systems tell nothing.
    assert.ok(open === 0 || open >= before.length + 4);
    driver.wait(0);
    driver.wait(0);
    driver.close();
    driver.close();
    peers.close();
    assert.deepEqual(peers.openDescriptors(), before);
  },
};
