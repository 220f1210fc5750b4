import { strict as assert } from 'node:assert';
import { BytePattern, PatternCheck } from './byte-pattern.ts';
import { type ContractCases, quietTurns, Skip } from './driver-contract-case.ts';
import type { DriverRig, StreamRecord } from './driver-rig.ts';

/**
 * A driver may look once at what arrives for a paused stream, to learn that it is paused; it must
 * not look again and again.
 */
const looksMax = 4;

async function expectQuiet(rig: DriverRig): Promise<void> {
  await rig.turns(quietTurns);
  const events = await rig.turns(quietTurns);
  assert.equal(events, 0, 'a paused stream costs nothing');
}

/** The peer's kernel takes some on its own, in pieces. */
async function expectStuck(rig: DriverRig, stream: StreamRecord): Promise<void> {
  let left: number;
  do {
    left = stream.queue.length;
    await rig.turns(quietTurns);
  } while (stream.queue.length < left);
  assert.ok(left > 0, 'output waits');
}

export const pausingCases: ContractCases = {
  async 'a paused stream reports nothing and loses nothing'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const pattern = new BytePattern(8);
    stream.check = new PatternCheck(pattern);
    const total = 3 * 1024 * 1024;
    rig.pause(stream);
    peer.write(pattern.slice(0, total));
    const looks = await rig.turns(quietTurns);
    assert.ok(looks <= looksMax, `${looks} events for a paused stream`);
    await expectQuiet(rig);
    assert.equal(stream.receivedBytes, 0);
    rig.resume(stream);
    await rig.until(() => stream.receivedBytes === total, 'everything is received');
    assert.equal(stream.check.wrongAt, -1);
  },

  async 'pausing from inside received takes effect at once'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    const pattern = new BytePattern(9);
    stream.check = new PatternCheck(pattern);
    stream.onReceived = () => rig.pause(stream);
    const total = 1024 * 1024;
    peer.write(pattern.slice(0, total));
    peer.end();
    let resumes = 0;
    await rig.until(() => {
      if (stream.paused) {
        resumes++;
        rig.resume(stream);
      }
      return stream.endedCount === 1;
    }, 'everything and the end are received, piece by piece');
    assert.equal(stream.receivedBytes, total);
    assert.equal(stream.check.wrongAt, -1);
    assert.ok(resumes > 1);
  },

  async 'pausing and resuming twice is as good as once'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    rig.pause(stream);
    rig.resume(stream);
    rig.resume(stream);
    peer.write(Buffer.from('hello'));
    await rig.until(() => stream.text === 'hello', 'it is read');
    rig.pause(stream);
    rig.resume(stream);
    peer.write(Buffer.from(' again'));
    await rig.until(() => stream.text === 'hello again', 'it is read again');
  },

  async 'a paused stream can send'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    peer.write(Buffer.from('not now'));
    const bytes = Buffer.alloc(4 * 1024 * 1024, 7);
    rig.send(stream, bytes);
    await rig.until(() => peer.receivedBytes === bytes.length, 'everything is sent');
    assert.equal(stream.receivedBytes, 0);
    rig.resume(stream);
    await rig.until(() => stream.text === 'not now', 'what waited is received');
  },

  async 'a paused stream whose peer ends gets the bytes and the end after the resume'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    peer.write(Buffer.from('last words'));
    peer.end();
    await expectQuiet(rig);
    assert.equal(stream.endedCount, 0);
    rig.resume(stream);
    await rig.until(() => stream.endedCount === 1, 'the end is reported');
    assert.equal(stream.text, 'last words');
  },

  async 'a paused stream whose peer resets costs nothing, and fails after the resume'(rig) {
    if (!rig.peers.canReset('tcp4')) throw new Skip('these peers cannot reset a connection');
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    peer.reset();
    await expectQuiet(rig);
    // A driver that can tell may report it at once.
    if (stream.failures.length === 0) rig.resume(stream);
    await rig.until(() => stream.failures.length === 1, 'the reset is reported');
    assert.equal(stream.failures[0]?.code, 'ECONNRESET');
  },

  async 'bytes that arrived before a reset come after the resume, and the reset after them'(rig) {
    if (!rig.peers.canReset('tcp4')) throw new Skip('these peers cannot reset a connection');
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    for (const words of ['last', ' words']) {
      peer.write(Buffer.from(words));
      await rig.turns(quietTurns);
    }
    peer.reset();
    await expectQuiet(rig);
    assert.equal(stream.failures.length, 0, 'what has arrived waits for the resume');
    rig.resume(stream);
    await rig.until(() => stream.failures.length === 1, 'the reset is reported');
    assert.equal(stream.failures[0]?.code, 'ECONNRESET');
    assert.equal(stream.text, 'last words');
  },

  async 'a paused stream that is written to hears of a reset, though bytes wait'(rig) {
    if (!rig.peers.canReset('tcp4')) throw new Skip('these peers cannot reset a connection');
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    peer.write(Buffer.from('a request'));
    await rig.turns(quietTurns);
    peer.reset();
    await expectQuiet(rig);
    await rig.until(() => {
      const done = stream.failures.length > 0;
      if (!done && !stream.sendFailed) rig.send(stream, Buffer.from('push'));
      return done;
    }, 'the failure is reported');
    assert.ok(['ECONNRESET', 'EPIPE'].includes(stream.failures[0]?.code ?? ''));
  },

  async 'a paused stream whose output is stuck hears of a reset, though bytes wait'(rig) {
    if (!rig.peers.canReset('tcp4')) throw new Skip('these peers cannot reset a connection');
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.pauseReading();
    rig.pause(stream);
    peer.write(Buffer.from('a request'));
    rig.send(stream, Buffer.alloc(8 * 1024 * 1024, 1));
    await expectStuck(rig, stream);
    peer.reset();
    await rig.until(() => stream.failures.length > 0, 'the failure is reported');
    assert.ok(['ECONNRESET', 'EPIPE'].includes(stream.failures[0]?.code ?? ''));
    await expectQuiet(rig);
  },

  async 'a paused Unix stream whose peer is gone costs nothing'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('unix'));
    rig.pause(stream);
    peer.write(Buffer.from('unread'));
    await rig.peersTurn();
    peer.end();
    await rig.turns(5);
    peer.destroy();
    await expectQuiet(rig);
    rig.resume(stream);
    const over = (): boolean => stream.endedCount + stream.failures.length > 0;
    await rig.until(over, 'the end is reported');
  },

  async 'a stream that ended both ways costs nothing until it is closed'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    peer.end();
    await rig.until(() => stream.endedCount === 1, 'the end is reported');
    rig.shutdownWrite(stream);
    await rig.until(() => peer.ended, 'the peer sees the end');
    peer.destroy();
    await expectQuiet(rig);
    rig.close(stream);
  },

  async 'a stream may be closed while it is paused'(rig) {
    const { peer, stream } = await rig.pair(await rig.listen('tcp4'));
    rig.pause(stream);
    peer.write(Buffer.from('unread'));
    await rig.turns(5);
    rig.close(stream);
    await rig.until(() => peer.ended || peer.broken !== undefined, 'the peer sees it');
    await expectQuiet(rig);
  },
};
