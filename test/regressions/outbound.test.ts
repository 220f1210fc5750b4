/** What once went wrong on the way out of a connection. */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { LengthFieldBasedFrameCodec } from '../../src/codec/length-field-based-frame-codec.ts';
import type { Conn } from '../../src/connection/conn.ts';
import { noFaults } from 'gnet/testing';
import { simulatedLoop } from '../loop/simulated-loop.ts';

const codec = new LengthFieldBasedFrameCodec(
  { lengthFieldLength: 2 },
  { lengthFieldLength: 2, initialBytesToStrip: 2 },
);

describe('bytes on their way out', () => {
  test('asyncWrite of the frame itself takes its bytes at the call', async () => {
    const rig = simulatedLoop(
      {
        react(frame, c: Conn) {
          c.asyncWrite(frame as Buffer);
          (frame as Buffer).fill('x');
        },
      },
      { connection: { codec } },
    );
    const peer = rig.connect();
    peer.write(Buffer.from('\0\x03abc'));
    await rig.turns(8);
    assert.deepEqual(rig.deaths, []);
    assert.equal(peer.take().toString(), '\0\x03abc');
  });

  test('preWrite that overflows the connection breaks that connection and nothing else', async () => {
    for (const size of [100, 20_000]) {
      const closed: unknown[] = [];
      let nested = false;
      const rig = simulatedLoop(
        {
          preWrite(c) {
            if (nested) return;
            nested = true;
            c.writeNoCodec(Buffer.alloc(2_000_000)); // most of it stays
            c.writeNoCodec(Buffer.alloc(2_000_000));
          },
          onClosed(_c, error) {
            closed.push((error as { code?: string } | undefined)?.code);
          },
        },
        { connection: { maxOutboundBytes: 3_000_000 } },
      );
      rig.connect();
      await rig.turns(3);
      const [connection] = rig.loop.connections();
      connection?.asyncWrite(Buffer.alloc(size));
      await rig.turns(5);
      assert.deepEqual(rig.deaths, []);
      assert.deepEqual(closed, ['ErrOutboundOverflow']);
      assert.equal(connection?.outboundBuffered(), 0);
      connection?.checkInvariants();
    }
  });

  test('an overflow inside react calls onClosed after react, with the context still there', async () => {
    const log: string[] = [];
    const rig = simulatedLoop(
      {
        onOpened(c) {
          c.context = 'mine';
        },
        react(_frame, c) {
          log.push('react');
          c.asyncWrite(Buffer.alloc(1_000_000));
          const taken = c.asyncWrite(Buffer.alloc(1_000_000));
          log.push(`taken ${taken}, context ${String(c.context)}`);
          return 'lost';
        },
        onClosed(_c, error) {
          log.push(`closed ${(error as { code?: string } | undefined)?.code}`);
        },
      },
      { connection: { maxOutboundBytes: 1_000_000, highWaterMark: 1000, lowWaterMark: 100 } },
    );
    const peer = rig.connect();
    peer.write(Buffer.from('go'));
    await rig.turns(8);
    assert.deepEqual(rig.deaths, []);
    assert.deepEqual(log, ['react', 'taken false, context mine', 'closed ErrOutboundOverflow']);
  });

  test('wake inside the react of a wake has its turn later: others are not starved', async () => {
    let woken = 0;
    const rig = simulatedLoop({
      onOpened: (c) => c.wake(),
      react(frame, c) {
        if (frame === null && ++woken < 100_000) c.wake();
      },
    });
    rig.connect();
    await rig.turns(10);
    assert.ok(woken >= 2 && woken < 100, `woken ${woken} times`);
  });

  test('what a slow peer leaves of an echo counts against the high mark at once', async () => {
    const closed: unknown[] = [];
    const rig = simulatedLoop(
      {
        react: (frame) => frame,
        onClosed(_c, error) {
          closed.push((error as { code?: string } | undefined)?.code);
        },
      },
      {
        faults: { ...noFaults, shortSend: 1 },
        connection: { highWaterMark: 10, lowWaterMark: 5, closeOnOverflow: true },
      },
    );
    const peer = rig.connect();
    peer.write(Buffer.alloc(60_000));
    await rig.turns(2);
    assert.deepEqual(rig.deaths, []);
    assert.deepEqual(closed, ['ErrOutboundOverflow']);
  });

  test('maxOutboundBytes counts the bytes of a text, not its characters', async () => {
    const rig = simulatedLoop({}, { connection: { maxOutboundBytes: 1_000_000 } });
    rig.connect();
    await rig.turns(3);
    const [connection] = rig.loop.connections();
    assert.equal(connection?.asyncWrite('\u20ac'.repeat(270_000)), true);
    assert.equal(connection?.asyncWrite('\u20ac'.repeat(160_000)), false);
    assert.ok((connection?.outboundBuffered() ?? 0) <= 1_000_000);
    await rig.turns(2);
    assert.equal(connection?.isClosed, true);
  });

  test('thousands who wait for their bytes are told in order, each once', async () => {
    const rig = simulatedLoop({}, { faults: { ...noFaults, shortSend: 0.5 } });
    const peer = rig.connect();
    await rig.turns(3);
    const [connection] = rig.loop.connections();
    const told: number[] = [];
    for (let index = 0; index < 5_000; index++) {
      void connection?.flushWrite(Buffer.alloc(100, index)).then(() => told.push(index));
    }
    for (let round = 0; round < 200 && told.length < 5_000; round++) {
      await rig.turns(5);
      peer.take();
    }
    assert.deepEqual(
      told,
      Array.from({ length: 5_000 }, (_, index) => index),
    );
  });
});
