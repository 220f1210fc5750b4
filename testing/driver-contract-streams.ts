import { strict as assert } from 'node:assert';
import type { Slab } from '../src/buffer/slab.ts';
import { BytePattern, PatternCheck } from './byte-pattern.ts';
import {
  type ContractCases,
  descriptorsThatAreTold,
  quietTurns,
  Skip,
} from './driver-contract-case.ts';
import { type DriverRig, plainOptions } from './driver-rig.ts';
import { Random, seedOfRun } from '../src/driver/simulated/random.ts';

/** Of one connection: more than fits into its peer's kernel at once, less than both kernels take. */
const lastBytes = 400_000;

function expectReset(rig: DriverRig): void {
  if (!rig.peers.canReset('tcp4')) throw new Skip('these peers cannot reset a connection');
}

async function echoesAnyChunks(rig: DriverRig, transport: 'tcp4' | 'unix'): Promise<void> {
  const random = new Random(seedOfRun());
  const pattern = new BytePattern(random.seed);
  const { peer, stream } = await rig.pair(await rig.listen(transport));
  stream.check = new PatternCheck(pattern);
  stream.onReceived = (bytes) => rig.send(stream, bytes);
  const back = new PatternCheck(pattern);
  const total = 1024 * 1024;
  for (let at = 0; at < total; ) {
    const count = Math.min(total - at, random.between(1, 40_000));
    peer.write(pattern.slice(at, count));
    at += count;
    if (random.chance(0.3)) await rig.turn();
    back.add(peer.take());
  }
  await rig.until(() => peer.receivedBytes === total, 'everything comes back');
  back.add(peer.take());
  assert.deepEqual([stream.check.wrongAt, back.wrongAt], [-1, -1], `seed ${random.seed}`);
  assert.equal(rig.driver.counters.bytesReceived, total);
  // A pipe of Windows may have brought the bytes before it says that it has taken them.
  await rig.until(() => rig.driver.counters.bytesSent === total, 'all of it counts as sent');
}

export const streamCases: ContractCases = {
  'a MiB in random pieces comes back over tcp4': (rig) => echoesAnyChunks(rig, 'tcp4'),
  'a MiB in random pieces comes back over unix': (rig) => echoesAnyChunks(rig, 'unix'),

  async 'the end comes once, after all bytes, and the stream can still send'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const pattern = new BytePattern(1);
    stream.check = new PatternCheck(pattern);
    peer.write(pattern.slice(0, 300_000));
    peer.end();
    await rig.until(() => stream.endedCount === 1, 'the end is reported');
    assert.equal(stream.receivedBytes, 300_000);
    assert.equal(stream.check.wrongAt, -1);
    assert.equal(await rig.turns(quietTurns), 0, 'an ended stream costs nothing');
    assert.equal(stream.endedCount, 1);
    rig.send(stream, Buffer.from('an answer'));
    await rig.until(() => peer.receivedBytes === 9, 'the answer arrives');
    assert.equal(peer.take().toString(), 'an answer');
    rig.shutdownWrite(stream);
    await rig.until(() => peer.ended, 'the peer sees the end');
    assert.equal(stream.failures.length, 0);
  },

  async 'a reset is reported as failed, once, with its name'(rig) {
    expectReset(rig);
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.reset();
    await rig.until(() => stream.failures.length > 0, 'the reset is reported');
    const events = await rig.turns(quietTurns);
    assert.equal(events, 0, 'a failed stream costs nothing');
    assert.equal(stream.failures.length, 1);
    assert.equal(stream.failures[0]?.code, 'ECONNRESET');
    assert.ok((stream.failures[0]?.errno ?? 0) > 0);
    rig.close(stream);
  },

  async "a reset behind the peer's end is reported as failed, once"(rig) {
    expectReset(rig);
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.write(Buffer.from('last words'));
    peer.end();
    await rig.until(() => stream.endedCount === 1, 'the end is reported');
    assert.equal(await rig.turns(quietTurns), 0, 'an ended stream costs nothing');
    peer.reset();
    await rig.until(() => stream.failures.length > 0, 'the reset is reported');
    assert.equal(stream.failures[0]?.code, 'ECONNRESET');
    assert.equal(stream.text, 'last words');
    assert.equal(await rig.turns(quietTurns), 0, 'a failed stream costs nothing');
    rig.close(stream);
  },

  async 'sending to a stream that broke is reported as failed'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    peer.destroy();
    const broke = (): boolean => stream.failures.length > 0;
    await rig.until(() => {
      if (!broke() && !stream.sendFailed) rig.send(stream, Buffer.from('anybody there?'));
      return broke();
    }, 'the failure is reported');
    assert.ok(['ECONNRESET', 'EPIPE'].includes(stream.failures[0]?.code ?? ''));
    await rig.turns(quietTurns);
    assert.equal(stream.failures.length, 1);
  },

  async 'shutdownWrite ends after everything that was taken, and bytes still come in'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const pattern = new BytePattern(2);
    rig.send(stream, pattern.slice(0, 400_000));
    await rig.until(() => stream.queue.length === 0 && !stream.awaitsWritable, 'all is taken');
    rig.shutdownWrite(stream);
    await rig.until(() => peer.ended, 'the peer sees the end');
    assert.ok(pattern.matches(0, peer.take()));
    assert.equal(peer.receivedBytes, 400_000);
    peer.write(Buffer.from('heard you'));
    await rig.until(() => stream.text === 'heard you', 'bytes still come in');
  },

  async 'unreadBytes says what has arrived and was not reported, if anybody can tell'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const unread = async (): Promise<number> => {
      await rig.driver.prepareUnread?.();
      return rig.driver.unreadBytes(stream.slot);
    };
    assert.equal(await unread(), 0);
    rig.driver.pauseReading(stream.slot);
    peer.write(Buffer.from('0123456789'));
    for (let turn = 0; turn < 1_000 && (await unread()) < 10; turn++) await rig.turns(1);
    assert.equal(await unread(), 10);
    assert.equal(stream.receivedBytes, 0);
    rig.driver.resumeReading(stream.slot);
    await rig.until(() => stream.receivedBytes === 10, 'it is reported');
    assert.equal(await unread(), 0);
  },

  async 'after closeStream nothing is reported and the peer sees the end'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.send(stream, Buffer.from('bye'));
    await rig.until(() => stream.queue.length === 0 && !stream.awaitsWritable, 'it is taken');
    rig.close(stream);
    await rig.until(() => peer.ended, 'the peer sees the end');
    assert.equal(peer.take().toString(), 'bye');
    assert.equal(peer.broken, undefined);
    peer.write(Buffer.from('too late'));
    await rig.turns(quietTurns);
    assert.equal(stream.receivedBytes, 0);
  },

  async 'closed in order, and the driver right after it: the last bytes and the end arrive'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.send(stream, Buffer.from('bye'));
    // Mostly the send took it already, and no turn comes between it and the close.
    await rig.until(() => stream.queue.length === 0 && !stream.awaitsWritable, 'it is taken');
    rig.close(stream);
    rig.driver.close();
    for (let turn = 0; turn < 1_000 && !peer.ended && peer.broken === undefined; turn++) {
      await rig.peersTurn();
    }
    assert.equal(peer.broken, undefined);
    assert.equal(peer.take().toString(), 'bye');
  },

  async 'many closed in order, and the driver right after it: all of them end in order'(rig) {
    const listener = await rig.listen('tcp4');
    const pairs: Awaited<ReturnType<typeof rig.pair>>[] = [];
    // More than a driver looks at in one turn, and more than a peer's kernel has of each.
    for (let count = 0; count < 140; count++) pairs.push(await rig.pair(listener));
    for (const { peer, stream } of pairs) {
      peer.pauseReading();
      rig.send(stream, Buffer.alloc(lastBytes, 'b'));
    }
    for (const { stream } of pairs) {
      await rig.until(() => stream.queue.length === 0 && !stream.awaitsWritable, 'it is taken');
    }
    for (const { stream } of pairs) rig.close(stream);
    rig.driver.close();
    for (const { peer } of pairs) peer.resumeReading();
    const isOver = (): boolean =>
      pairs.every(({ peer }) => peer.ended || peer.broken !== undefined);
    await rig.peersUntil(isOver, 'all of them see an end');
    for (const { peer } of pairs) {
      assert.equal(peer.broken, undefined);
      assert.equal(peer.receivedBytes, lastBytes);
    }
  },

  async 'closed while the kernel refuses bytes, and the driver right after it: no reset'(rig) {
    rig.options = { ...plainOptions, sendBufferBytes: 8_192 };
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.pauseReading();
    stream.takesBack = false;
    while (stream.queue.length === 0) {
      rig.send(stream, Buffer.alloc(30_000, 1));
      await rig.turns(2);
    }
    await rig.turns(quietTurns);
    rig.close(stream);
    rig.driver.close();
    peer.resumeReading();
    await rig.peersUntil(() => peer.ended || peer.broken !== undefined, 'the peer sees an end');
    assert.equal(peer.broken, undefined);
    assert.ok(peer.receivedBytes > 0);
  },

  async 'several sends and a close in one turn: all of it arrives, and the end'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    for (const part of ['all ', 'of ', 'it']) rig.send(stream, Buffer.from(part));
    const lost = rig.closeAfterLast(stream);
    await rig.until(() => peer.ended || peer.broken !== undefined, 'the peer sees the end');
    assert.equal(peer.broken, undefined);
    const all = 'all of it';
    assert.equal(peer.take().toString(), all.slice(0, all.length - lost));
  },

  async 'an abort resets the connection'(rig) {
    expectReset(rig);
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.close(stream, true);
    await rig.until(() => peer.broken !== undefined, 'the peer sees the reset');
    assert.equal(peer.broken, 'ECONNRESET');
  },

  async 'closing another stream from inside received silences it within the batch'(rig) {
    const listener = await rig.listen('tcp4');
    const pairs: Awaited<ReturnType<typeof rig.pair>>[] = [];
    for (let count = 0; count < 8; count++) pairs.push(await rig.pair(listener));
    for (const { stream } of pairs) {
      stream.onReceived = () => {
        for (const other of pairs) if (other.stream.open) rig.close(other.stream);
      };
    }
    for (const { peer } of pairs) peer.write(Buffer.from('x'));
    await rig.peersTurn();
    await rig.until(() => pairs.every(({ stream }) => !stream.open), 'one closes all');
    await rig.turns(quietTurns);
    const received = pairs.filter(({ stream }) => stream.receivedBytes > 0);
    assert.equal(received.length, 1);
  },

  async 'a slot used again in the same batch does not hear of its former stream'(rig) {
    const listener = await rig.listen('tcp4');
    const first = await rig.pair(listener);
    const second = await rig.pair(listener);
    // A third connection waits, accepted but without a stream.
    let spare = -1;
    rig.onAccepted = (_listener, descriptor) => {
      spare = descriptor;
    };
    const late = rig.peers.connect(rig.driver.listenerAddress(listener));
    await rig.until(() => spare !== -1, 'the third connection is accepted');
    const swap = (closed: typeof first.stream): void => {
      if (spare === -1) return;
      const descriptor = spare;
      spare = -1;
      rig.close(closed);
      rig.openStream(descriptor, closed.slot);
    };
    first.stream.onReceived = () => swap(second.stream);
    second.stream.onReceived = () => swap(first.stream);
    // All three have bytes when the batch begins: a stale event would read the newcomer's.
    for (const { peer } of [first, second]) peer.write(Buffer.from('old'));
    late.write(Buffer.from('new'));
    await rig.peersTurn();
    await rig.peersTurn();
    await rig.until(() => spare === -1, 'the slot is used again');
    const reopened = rig.streams[2];
    await rig.until(() => reopened?.text === 'new', 'the new stream hears its own bytes only');
    assert.equal(reopened?.endedCount, 0);
  },

  async 'a stream may close itself inside every event'(rig) {
    const listener = await rig.listen('tcp4');
    const { peer, stream } = await rig.pair(listener);
    stream.onReceived = () => rig.close(stream);
    peer.write(Buffer.from('x'));
    peer.end();
    await rig.until(() => !stream.open, 'it closed itself');
    await rig.turns(quietTurns);
    assert.equal(stream.endedCount, 0);
  },

  async 'a retained slab keeps its bytes'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const kept: { slab: Slab; start: number; expected: Buffer }[] = [];
    const received = rig.received.bind(rig);
    rig.received = (slot, generation, slab, start, end) => {
      received(slot, generation, slab, start, end);
      // As `SlabPool.retain` does; the pool it came from is the driver's own business.
      slab.references++;
      kept.push({ slab, start, expected: Buffer.from(slab.bytes.subarray(start, end)) });
    };
    const random = new Random(3);
    let sent = 0;
    for (let round = 0; round < 20; round++) {
      const bytes = random.bytes(5_000);
      sent += bytes.length;
      peer.write(bytes);
      await rig.until(() => stream.receivedBytes === sent, 'the piece is received');
    }
    for (const { slab, start, expected } of kept) {
      assert.deepEqual(slab.bytes.subarray(start, start + expected.length), expected);
    }
    assert.ok(kept.length >= 20);
  },

  async 'one wait gives every stream its turn'(rig) {
    const listener = await rig.listen('tcp4');
    const flood = await rig.pair(listener);
    const quiet = await rig.pair(listener);
    flood.stream.check = new PatternCheck(new BytePattern(4));
    for (let piece = 0; piece < 64; piece++) flood.peer.write(Buffer.alloc(64 * 1024, piece));
    await rig.turns(3);
    const before = flood.stream.receivedBytes;
    quiet.peer.write(Buffer.from('me too'));
    await rig.until(() => quiet.stream.text === 'me too', 'the quiet one is heard');
    // The flood was read in the meantime, but a bounded piece per wait and not to its end.
    assert.ok(flood.stream.receivedBytes - before < 4 * 1024 * 1024 - before);
    const all = (): boolean => flood.stream.receivedBytes === 4 * 1024 * 1024;
    await rig.until(all, 'the flood is received in the end');
  },

  async 'every descriptor is close-on-exec'(rig) {
    const numbers = rig.peers.openDescriptors().map((line) => line.split(' ')[0]);
    const listener = await rig.listen('tcp4');
    await rig.openEndpoint(0, datagramEndpoint, rig.options);
    const { stream } = await rig.pair(listener);
    const descriptor = rig.driver.descriptorOf(stream.slot);
    const fresh = descriptorsThatAreTold(rig.peers).filter(
      (line) => !numbers.includes(line.split(' ')[0] as string),
    );
    assert.ok(descriptor === -1 || fresh.some((line) => line.startsWith(`${descriptor} `)));
    assert.deepEqual(
      fresh.filter((line) => !line.endsWith('close-on-exec')),
      [],
    );
  },
};

const datagramEndpoint = {
  kind: 'udp',
  family: 4,
  v6Only: false,
  host: '127.0.0.1',
  port: 0,
} as const;
