/** Replies of one turn leave in one send, and an echo leaves from where it was received. */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { FixedLengthFrameCodec } from '../../src/codec/fixed-length-frame-codec.ts';
import { LengthFieldBasedFrameCodec } from '../../src/codec/length-field-based-frame-codec.ts';
import { LineBasedFrameCodec } from '../../src/codec/line-based-frame-codec.ts';
import type { Conn } from '../../src/connection/conn.ts';
import { prepare } from '../../src/connection/prepared.ts';
import { simulatedLoop } from './simulated-loop.ts';

async function echoOnce(
  rig: ReturnType<typeof simulatedLoop>,
  request: string,
): Promise<{ sends: number; answer: string }> {
  const peer = rig.connect();
  await rig.turns(3);
  const before = rig.driver.sends;
  peer.write(Buffer.from(request));
  await rig.turns(6);
  assert.deepEqual(rig.deaths, []);
  return { sends: rig.driver.sends - before, answer: peer.take().toString() };
}

describe('replies of one turn', () => {
  test('a frame that comes back leaves in one send', async () => {
    const rig = simulatedLoop({ react: (frame) => frame });
    assert.deepEqual(await echoOnce(rig, 'hello'), { sends: 1, answer: 'hello' });
  });

  test('sixteen pipelined frames that come back leave in one send, from the read slab', async () => {
    const codec = new FixedLengthFrameCodec(4);
    const rig = simulatedLoop({ react: (frame) => frame }, { connection: { codec } });
    const request = 'abcd'.repeat(16);
    assert.deepEqual(await echoOnce(rig, request), { sends: 1, answer: request });
  });

  test('sixteen pipelined lines leave in one send', async () => {
    const codec = new LineBasedFrameCodec();
    const rig = simulatedLoop({ react: (frame) => frame }, { connection: { codec } });
    const request = 'line\n'.repeat(16);
    assert.deepEqual(await echoOnce(rig, request), { sends: 1, answer: request });
  });

  test('asyncWrite, the reply, and writes after it leave in one send, in call order', async () => {
    const rig = simulatedLoop({
      react(frame, c: Conn) {
        c.asyncWrite('1');
        c.writeNoCodec('2');
        return frame;
      },
    });
    assert.deepEqual(await echoOnce(rig, '3'), { sends: 1, answer: '123' });
  });

  test('a frame, then text, then a frame again stay in order', async () => {
    const codec = new FixedLengthFrameCodec(1);
    let count = 0;
    const rig = simulatedLoop(
      { react: (frame) => (++count % 2 === 1 ? frame : `<${frame}>`) },
      { connection: { codec } },
    );
    assert.deepEqual(await echoOnce(rig, 'abcd'), { sends: 1, answer: 'a<b>c<d>' });
  });

  test('writes from a timer or a promise in one turn leave in one send', async () => {
    let connection: Conn | undefined;
    const rig = simulatedLoop({
      onOpened(c) {
        connection = c;
      },
    });
    const peer = rig.connect();
    await rig.turns(3);
    const before = rig.driver.sends;
    for (const piece of ['a', 'b', 'c']) connection?.asyncWrite(piece);
    await rig.turns(4);
    assert.equal(rig.driver.sends - before, 1);
    assert.equal(peer.take().toString(), 'abc');
  });

  test('a reply that the program overwrites afterwards was taken before', async () => {
    const codec = new FixedLengthFrameCodec(1);
    const shared = Buffer.alloc(1);
    const rig = simulatedLoop(
      {
        react(frame) {
          shared[0] = ((frame as Buffer)[0] as number) - 32;
          return shared;
        },
      },
      { connection: { codec } },
    );
    assert.equal((await echoOnce(rig, 'abc')).answer, 'ABC');
  });
});

describe('a prepared message', () => {
  async function startMany(count: number, options: Parameters<typeof simulatedLoop>[1] = {}) {
    const conns: Conn[] = [];
    const rig = simulatedLoop({ onOpened: (c) => void conns.push(c) }, options);
    const peers = Array.from({ length: count }, () => rig.connect());
    await rig.turns(6);
    assert.equal(conns.length, count);
    return { rig, peers, conns };
  }

  test('goes to many from one copy, each in one send without a queue', async () => {
    const { rig, peers, conns } = await startMany(40);
    const before = rig.driver.sends;
    const message = prepare('news');
    for (const c of conns) {
      assert.equal(c.asyncWrite(message), true);
      assert.equal(c.outboundBuffered(), 4);
    }
    await rig.turns(4);
    assert.equal(rig.driver.sends - before, 40);
    assert.equal(rig.driver.flushes, 0, 'no queue was needed');
    for (const peer of peers) assert.equal(peer.take().toString(), 'news');
    for (const c of conns) assert.equal(c.outboundBuffered(), 0);
  });

  test('stays in order with what is written before it and behind it', async () => {
    const { rig, peers, conns } = await startMany(3);
    const [a, b] = [prepare('a'), prepare('b')];
    const [first, second, third] = conns as [Conn, Conn, Conn];
    for (const each of [a, 'x', b, a]) first.asyncWrite(each);
    for (const each of ['x', a]) second.writeNoCodec(each);
    void third.flushWrite(b, true);
    third.asyncWrite(a);
    await rig.turns(4);
    assert.deepEqual(
      peers.map((peer) => peer.take().toString()),
      ['axba', 'xa', 'ba'],
    );
  });

  test('leaves behind the answer that it was written before', async () => {
    const message = prepare('!');
    const rig = simulatedLoop({
      react(frame, c: Conn) {
        c.asyncWrite(message);
        return frame;
      },
    });
    assert.deepEqual(await echoOnce(rig, 'hello'), { sends: 1, answer: '!hello' });
  });

  test('is not overwritten by the next ones, however many wait', async () => {
    const { rig, peers, conns } = await startMany(20);
    for (let round = 0; round < 3; round++) {
      for (const [at, c] of conns.entries()) {
        c.asyncWrite(prepare(Buffer.alloc(10_000, round * 20 + at)));
      }
      await rig.turns(8);
      for (const [at, peer] of peers.entries()) {
        assert.deepEqual(peer.take(), Buffer.alloc(10_000, round * 20 + at));
      }
    }
  });

  test('arrives whole where only a part of it is taken, and goes with a reset', async () => {
    const { rig, peers, conns } = await startMany(2, { channelBytes: 1_000 });
    const message = prepare(Buffer.alloc(5_000, 'm'));
    for (const c of conns) c.asyncWrite(message);
    conns[1]?.reset();
    const parts: Buffer[] = [];
    for (let turn = 0; turn < 40; turn++) {
      await rig.turns(1);
      parts.push(peers[0]?.take() as Buffer);
    }
    assert.deepEqual(Buffer.concat(parts), Buffer.alloc(5_000, 'm'));
    assert.deepEqual(rig.deaths, []);
    assert.equal(rig.loop.connectionCount, 1);
  });
});

describe('an encoder that wraps the frame', () => {
  const lengthField = new LengthFieldBasedFrameCodec(
    { lengthFieldLength: 4 },
    { lengthFieldLength: 4, initialBytesToStrip: 4 },
  );
  const wider = new LengthFieldBasedFrameCodec(
    { lengthFieldLength: 8 },
    { lengthFieldLength: 2, initialBytesToStrip: 2 },
  );

  test('frames that come back are sent from where they were received', async () => {
    const rig = simulatedLoop({ react: (frame) => frame }, { connection: { codec: lengthField } });
    const request = '\0\0\0\x03abc\0\0\0\x01d';
    assert.deepEqual(await echoOnce(rig, request), { sends: 1, answer: request });
    assert.equal(rig.driver.flushes, 0, 'no queue was needed');
  });

  test('a longer prefix than was received does not touch the reply before it', async () => {
    const rig = simulatedLoop({ react: (frame) => frame }, { connection: { codec: wider } });
    const request = '\0\x03abc\0\0\0\x01d\0\x02ef';
    const answer = '\0\0\0\0\0\0\0\x03abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01d\0\0\0\0\0\0\0\x02ef';
    assert.deepEqual(await echoOnce(rig, request), { sends: 1, answer });
  });

  test('other bytes, longer than a slab of the queue, arrive whole', async () => {
    const payload = Buffer.alloc(200_000, 'x');
    const rig = simulatedLoop({ react: () => payload }, { connection: { codec: lengthField } });
    const peer = rig.connect();
    peer.write(Buffer.from('\0\0\0\0'));
    await rig.turns(60);
    const answer = peer.take();
    assert.equal(answer.readUInt32BE(0), payload.length);
    assert.ok(answer.subarray(4).equals(payload));
  });
});
