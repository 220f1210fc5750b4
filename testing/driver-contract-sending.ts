import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { BytePattern, PatternCheck } from './byte-pattern.ts';
import { type ContractCases, quietTurns, Skip } from './driver-contract-case.ts';
import type { StreamPeer } from './driver-peers.ts';
import { type DriverRig, plainOptions, type StreamRecord } from './driver-rig.ts';

const mebibyte = 1024 * 1024;

/** Sends `total` bytes of a pattern in pieces, however little is taken at a time. */
async function sendAll(
  rig: DriverRig,
  stream: StreamRecord,
  peer: StreamPeer,
  total: number,
): Promise<PatternCheck> {
  const pattern = new BytePattern(total);
  const check = new PatternCheck(pattern);
  const pieceBytes = 256 * 1024;
  let at = 0;
  const feed = (): void => {
    if (at === total || stream.queue.length > pieceBytes) return;
    const count = Math.min(pieceBytes, total - at);
    rig.send(stream, pattern.slice(at, count));
    at += count;
  };
  await rig.until(() => {
    feed();
    check.add(peer.take());
    return check.bytes >= total;
  }, `${total} bytes arrive`);
  return check;
}

/** Each of them may see the peer's kernel take a little more, which its buffers bound. */
const stuckRoundsMax = 200;

/**
 * Until nothing is taken and nothing happens. The peer's kernel takes some on its own, a piece every
 * 40 ms where acknowledgements are late, and not all of it leaves the queue: a driver may hold what it
 * took before. A driver that looks again and again while nobody reads is never through.
 */
async function untilStuck(rig: DriverRig, stream: StreamRecord): Promise<void> {
  for (let round = 0; round < stuckRoundsMax; round++) {
    const left = stream.queue.length;
    const events = await rig.turns(quietTurns);
    if (events === 0 && stream.queue.length === left) return;
  }
  assert.fail('waiting for a reader costs nothing');
}

/** The driver node reads it from a list of the system, and believes one for up to 100 ms. */
const answerMsMax = 150;

/** What is unsent now: nothing is in a list any more that was read before this. */
async function unsentNow({ driver }: DriverRig, { slot }: StreamRecord): Promise<number> {
  await sleep(answerMsMax);
  return driver.unsentBytes(slot);
}

export const sendingCases: ContractCases = {
  async 'a reader that stops makes sends short; writable follows until all is out'(rig) {
    rig.options = { ...plainOptions, sendBufferBytes: 8_192 };
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.pauseReading();
    stream.flushesItself = false;
    const pattern = new BytePattern(5);
    const total = 16 * mebibyte;
    rig.send(stream, pattern.slice(0, total));
    assert.ok(stream.queue.length > 0, 'the send was short');
    stream.flushesItself = true;
    await untilStuck(rig, stream);
    assert.ok(stream.queue.length > 0, 'a reader that stopped takes no more');
    peer.resumeReading();
    await rig.until(() => peer.receivedBytes === total, 'everything arrives');
    assert.ok(stream.writableCount > 0);
    assert.equal(stream.queue.length, 0);
    assert.ok(pattern.matches(0, peer.take()));
    const writables = stream.writableCount;
    await rig.turns(quietTurns);
    assert.equal(stream.writableCount, writables, 'nothing more is promised');
  },

  async '32 MiB through small buffers, byte for byte'(rig) {
    rig.options = { ...plainOptions, sendBufferBytes: 16_384, receiveBufferBytes: 16_384 };
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const check = await sendAll(rig, stream, peer, 32 * mebibyte);
    assert.equal(check.bytes, 32 * mebibyte);
    assert.equal(check.wrongAt, -1);
    stream.queue.checkInvariants();
  },

  async '32 MiB received through small buffers, byte for byte'(rig) {
    rig.options = { ...plainOptions, receiveBufferBytes: 65_536 };
    const { peer, stream } = await rig.pair(await rig.listen('unix'));
    const pattern = new BytePattern(6);
    stream.check = new PatternCheck(pattern);
    const total = 32 * mebibyte;
    for (let at = 0; at < total; at += mebibyte) peer.write(pattern.slice(at, mebibyte));
    peer.end();
    await rig.until(() => stream.endedCount === 1, 'everything is received');
    assert.equal(stream.receivedBytes, total);
    assert.equal(stream.check.wrongAt, -1);
  },

  async 'bytes of send, sendBytes, sendPieces and flush keep the order of the calls'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const pattern = new BytePattern(7);
    let at = 0;
    const next = (count: number): Buffer => {
      at += count;
      return pattern.slice(at - count, count);
    };
    for (let round = 0; round < 200; round++) {
      const idle = stream.queue.length === 0 && !stream.awaitsWritable;
      if (round % 3 === 0 && idle) {
        const bytes = next(70_000);
        const pieces = [bytes.subarray(0, 7), bytes.subarray(7, 69_998), bytes.subarray(69_998)];
        const taken =
          round % 2 === 0 || rig.driver.sendPieces === undefined
            ? rig.driver.sendBytes(stream.slot, bytes)
            : rig.driver.sendPieces(stream.slot, pieces, bytes.length);
        assert.ok(taken >= 0);
        if (taken < bytes.length) {
          stream.queue.push(bytes, taken, bytes.length);
          stream.awaitsWritable = true;
        }
      } else {
        rig.send(stream, next(1 + round * 37));
      }
      if (round % 5 === 0) await rig.turn();
    }
    await rig.until(() => peer.receivedBytes === at, 'everything arrives');
    assert.ok(pattern.matches(0, peer.take()));
  },

  async 'bytes that did not reach the peer are known, and fewer while it reads'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const { driver } = rig;
    // But for what the transport says by itself.
    await rig.until(() => driver.unsentBytes(stream.slot) <= 0, 'nothing was sent');
    peer.pauseReading();
    const total = 16 * mebibyte;
    rig.send(stream, Buffer.alloc(total, 1));
    await untilStuck(rig, stream);
    const stuck = await unsentNow(rig, stream);
    if (stuck === -1) throw new Skip('the system does not tell');
    assert.ok(stuck > 0 && stuck + stream.queue.length < total + mebibyte, `${stuck} bytes`);
    await rig.turns(quietTurns);
    // The peer's system may make a little more room; nobody reads.
    const left = driver.unsentBytes(stream.slot);
    assert.ok(left > 0 && left <= stuck, `${left} of ${stuck} bytes`);
    peer.resumeReading();
    await rig.until(() => peer.receivedBytes === total, 'everything arrives');
    await rig.until(() => driver.unsentBytes(stream.slot) === 0, 'and is known to have');
    rig.shutdownWrite(stream);
    await rig.until(() => peer.ended, 'the end arrives');
    await rig.until(() => driver.unsentBytes(stream.slot) === 0, 'also the end');
  },

  async 'what was taken is handed over, or writable tells when it is'(rig) {
    rig.options = { ...plainOptions, sendBufferBytes: 8_192 };
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const isHandedOver = (): boolean => {
      const handedOver = rig.driver.handedOver(stream.slot);
      if (!handedOver) stream.awaitsWritable = true;
      return handedOver;
    };
    // But for what the transport says by itself.
    await rig.until(isHandedOver, 'nothing was taken');
    stream.awaitsWritable = false;
    peer.pauseReading();
    const bytes = Buffer.alloc(60_000, 1);
    let total = 0;
    while (stream.queue.length === 0 && isHandedOver()) {
      rig.send(stream, bytes);
      total += bytes.length;
      await rig.turn();
    }
    await untilStuck(rig, stream);
    peer.resumeReading();
    await rig.until(() => stream.writableCount > 0, 'writable tells');
    await rig.until(() => stream.queue.length === 0 && isHandedOver(), 'the kernel has it');
    rig.close(stream);
    await rig.until(() => peer.ended || peer.broken !== undefined, 'the end arrives');
    assert.equal(peer.receivedBytes, total);
  },

  async 'what the kernel refuses is not counted as taken: it waits in the queue'(rig) {
    rig.options = { ...plainOptions, sendBufferBytes: 8_192 };
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.pauseReading();
    const pattern = new BytePattern(8);
    // Less than a slab each: a driver may take that before it asks the kernel.
    const pieceBytes = 30_000;
    let total = 0;
    while (stream.queue.length === 0) {
      rig.send(stream, pattern.slice(total, pieceBytes));
      total += pieceBytes;
      await rig.turns(2);
      // The peer's system may be slow to take what it has room for.
      await untilStuck(rig, stream);
    }
    stream.queue.checkInvariants();
    assert.ok(stream.queue.length > 0);
    assert.ok(rig.driver.handedOver(stream.slot), 'the kernel has what was taken');
    peer.resumeReading();
    await rig.until(() => peer.receivedBytes === total, 'everything arrives');
    assert.ok(pattern.matches(0, peer.take()));
  },

  async 'flush may be tried at any time, and an empty queue is flushed'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    assert.equal(rig.flush(stream), true);
    stream.queue.push(Buffer.from('queued'), 0, 6);
    await rig.until(() => rig.flush(stream), 'the queue is empty');
    await rig.until(() => peer.receivedBytes === 6, 'it arrives');
    assert.equal(peer.take().toString(), 'queued');
    assert.equal(await rig.turns(quietTurns), 0, 'writable does not come for nothing');
  },

  async 'a peer that goes away while bytes wait is a failure'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.pauseReading();
    rig.send(stream, Buffer.alloc(8 * mebibyte, 1));
    assert.ok(stream.queue.length > 0);
    await rig.turns(5);
    peer.destroy();
    await rig.until(() => stream.failures.length > 0, 'the failure is reported');
    assert.ok(['ECONNRESET', 'EPIPE'].includes(stream.failures[0]?.code ?? ''));
    assert.equal(await rig.turns(quietTurns), 0, 'a failed stream costs nothing');
  },
};
