/** What the simulated driver promises beyond the contract: a run from a seed, and faults at will. */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BytePattern } from '../../../testing/byte-pattern.ts';
import { DriverRig, plainOptions } from '../../../testing/driver-rig.ts';
import {
  noFaults,
  roughFaults,
  SimulatedDriver,
  type SimulatedFaults,
  type SimulatedPeer,
} from './simulated-driver.ts';
import { SimulatedPeers } from '../../../testing/simulated-peers.ts';

interface Simulation {
  readonly rig: DriverRig;
  readonly driver: SimulatedDriver;
  readonly listener: number;
  readonly address: string;
}

function simulate(seed: number, faults: SimulatedFaults): Simulation {
  let driver: SimulatedDriver | undefined;
  const rig = new DriverRig((events) => {
    driver = new SimulatedDriver(events, { seed, faults });
    return { driver, peers: new SimulatedPeers(driver) };
  }, 65_536);
  const listener = 0;
  rig.driver.listen(listener, rig.peers.endpoint('tcp4'), rig.options);
  rig.driver.startAccepting(listener);
  const address = rig.driver.listenerAddress(listener);
  return { rig, driver: driver as SimulatedDriver, listener, address };
}

function waits(rig: DriverRig, count: number): void {
  for (let wait = 0; wait < count; wait++) rig.wait(0);
  rig.expectRulesKept();
}

/** Every accepted stream sends back what it receives. */
function echoOn(rig: DriverRig): void {
  rig.onAccepted = (_listener, descriptor) => {
    const stream = rig.openStream(descriptor);
    stream.onReceived = (bytes) => rig.send(stream, bytes);
  };
}

/** Three peers talk to an echo; every event of the run as text. */
function logOfRun(seed: number): string {
  const { rig, driver, address } = simulate(seed, { ...roughFaults, reset: 0.002 });
  const log: string[] = [];
  const peers: SimulatedPeer[] = [];
  for (let round = 0; round < 60; round++) {
    if (round % 20 === 0) peers.push(driver.connectPeer(address));
    for (const peer of peers) peer.write(Buffer.alloc(997, round));
    log.push(`wait ${rig.wait(0)}`);
    for (const stream of rig.streams) {
      const { failures, receivedBytes, endedCount, writableCount } = stream;
      log.push(`${receivedBytes} ${endedCount} ${writableCount} ${failures.length}`);
      if (stream.open && failures.length === 0 && stream.receivedBytes % 2 === 1) {
        rig.send(stream, Buffer.alloc(3_001, 1));
      }
    }
    log.push(peers.map((peer) => `${peer.receivedBytes} ${peer.broken}`).join());
  }
  rig.expectRulesKept();
  driver.close();
  return log.join('\n');
}

describe('the simulated driver', () => {
  test('the same seed gives the same run, another seed another one', () => {
    const runs = [11, 11, 12].map(logOfRun);
    assert.equal(runs[0], runs[1]);
    assert.notEqual(runs[0], runs[2]);
  });

  test('whatever the seed and the pieces, an echo returns every byte in order', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.integer(), pieces, (seed, lengths) => {
        const { rig, driver, address } = simulate(seed, roughFaults);
        echoOn(rig);
        const pattern = new BytePattern(seed);
        const peer = driver.connectPeer(address);
        let total = 0;
        for (const length of lengths) {
          peer.write(pattern.slice(total, length));
          total += length;
          rig.wait(0);
        }
        for (let wait = 0; wait < 2_000 && peer.receivedBytes < total; wait++) rig.wait(0);
        rig.expectRulesKept();
        driver.close();
        assert.equal(peer.receivedBytes, total);
        assert.ok(pattern.matches(0, peer.take()));
      }),
      { numRuns: 50 },
    );
  });

  test('a close with unread input resets, and destroys what was flushed', () => {
    const { rig, driver, address } = simulate(1, noFaults);
    const peer = driver.connectPeer(address);
    peer.pauseReading();
    waits(rig, 2);
    const [stream] = rig.streams;
    assert.ok(stream !== undefined);
    rig.pause(stream);
    peer.write(Buffer.from('never read'));
    waits(rig, 2);
    rig.send(stream, Buffer.from('flushed'));
    rig.close(stream);
    peer.resumeReading();
    waits(rig, 5);
    assert.equal(peer.broken, 'ECONNRESET');
    assert.equal(peer.receivedBytes, 0);
  });

  test('memory whose loan ended is overwritten, retained memory is not', () => {
    const { rig, driver, address } = simulate(1, noFaults);
    const lent: Buffer[] = [];
    let retain = false;
    rig.onAccepted = (_listener, descriptor) => {
      rig.openStream(descriptor).onReceived = (bytes, slab) => {
        const at = slab.bytes.indexOf(bytes);
        lent.push(slab.bytes.subarray(at, at + bytes.length));
        if (retain) driver.pool.retain(slab);
      };
    };
    const peer = driver.connectPeer(address);
    peer.write(Buffer.from('lent'));
    waits(rig, 4);
    assert.deepEqual(lent[0], Buffer.alloc(4, 0xdd));
    retain = true;
    peer.write(Buffer.from('kept'));
    waits(rig, 4);
    assert.equal(lent[1]?.toString(), 'kept');
  });

  test('refused accepts rest the listener, and everybody is served in the end', () => {
    const { rig, driver, address, listener } = simulate(3, { ...roughFaults, acceptRefusal: 0.5 });
    echoOn(rig);
    const peers = Array.from({ length: 20 }, () => driver.connectPeer(address));
    for (const peer of peers) peer.write(Buffer.from('hello'));
    for (let wait = 0; wait < 500; wait++) {
      const rests = rig.rests.length;
      rig.wait(0);
      if (rig.rests.length > rests) driver.startAccepting(listener);
    }
    rig.expectRulesKept();
    assert.ok(rig.rests.length > 0);
    assert.ok(peers.every((peer) => peer.take().toString() === 'hello'));
  });

  test('outgoing connections are refused and established at will', () => {
    const { rig, driver } = simulate(4, { ...noFaults, connectRefusal: 0.5 });
    const listener = driver.listenPeer(rig.peers.endpoint('tcp4'));
    const streams = Array.from({ length: 40 }, () => rig.connect(listener.endpoint));
    waits(rig, 3);
    const refused = streams.filter(({ failures }) => failures[0]?.code === 'ECONNREFUSED');
    const established = streams.filter(({ connectedCount }) => connectedCount === 1);
    assert.equal(refused.length + established.length, 40);
    assert.equal(listener.accepted.length, established.length);
    assert.ok(refused.length > 0 && established.length > 0);
  });

  test('datagrams are lost at will, never changed', () => {
    const { rig, driver } = simulate(5, { ...noFaults, datagramLoss: 0.5 });
    const endpoint = { kind: 'udp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 } as const;
    driver.bind(0, endpoint, plainOptions);
    driver.startReceiving(0);
    const peer = driver.datagramPeer(4);
    for (let number = 0; number < 100; number++) {
      peer.send(driver.endpointAddress(0), Buffer.from([number]));
    }
    waits(rig, 5);
    const numbers = rig.datagrams.map(({ bytes }) => bytes[0] as number);
    assert.ok(numbers.length > 10 && numbers.length < 90, `${numbers.length} arrived`);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((one, other) => one - other),
    );
  });

  test('a wait that sleeps moves the clock on, and nothing else does', () => {
    const { rig, driver } = simulate(6, noFaults);
    waits(rig, 10);
    assert.equal(driver.clock.now, 0);
    rig.wait(250);
    assert.equal(driver.clock.now, 250);
    assert.equal(driver.counters.sleptMs, 250);
    driver.wake();
    rig.wait(1_000);
    assert.equal(driver.clock.now, 250);
    driver.watch(77);
    driver.signal(77);
    rig.wait(1_000);
    assert.equal(driver.clock.now, 250);
    // Nothing can end this one: it returns, so that the test gets its turn.
    assert.equal(rig.wait(-1), 0);
    assert.equal(driver.clock.now, 250);
  });
});
