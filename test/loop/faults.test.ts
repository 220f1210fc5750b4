/** Whatever a bad line does, what arrives is right, in order, and nothing is left behind. */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LengthFieldBasedFrameCodec } from '../../src/codec/length-field-based-frame-codec.ts';
import type { Conn } from '../../src/connection/conn.ts';
import type { EventHandler } from '../../src/connection/conn.ts';
import { roughFaults } from 'gnet/testing';
import { simulatedLoop } from './simulated-loop.ts';

const codec = new LengthFieldBasedFrameCodec(
  { lengthFieldLength: 2 },
  { lengthFieldLength: 2, initialBytesToStrip: 2 },
);

function framed(payloads: readonly Buffer[]): Buffer {
  return Buffer.concat(
    payloads.flatMap((payload) => [Buffer.of(payload.length >> 8, payload.length & 255), payload]),
  );
}

const payloads = fc.array(
  fc.nat(3_000).map((length) => Buffer.alloc(length, (length * 7) & 255)),
  { minLength: 1, maxLength: 30 },
);

/** Answers by turns at once, by a promise, by a write, and by a pair. */
function variedEcho(): EventHandler {
  let count = 0;
  return {
    react(frame, c: Conn) {
      const bytes = frame as Buffer;
      switch (count++ % 4) {
        case 0:
          return bytes;
        case 1:
          return Promise.resolve().then(() => bytes);
        case 2:
          c.asyncWrite(bytes);
          return undefined;
        default:
          return [Buffer.from(bytes), 0];
      }
    },
  };
}

describe('a loop on a bad line', () => {
  test('echoes every frame byte for byte, whatever is split, delayed or cut short', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), payloads, fc.boolean(), async (seed, frames, tiny) => {
        const marks = tiny ? { highWaterMark: 2_000, lowWaterMark: 500 } : {};
        const rig = simulatedLoop(variedEcho(), {
          seed,
          faults: roughFaults,
          connection: { codec, ...marks },
        });
        const peer = rig.connect();
        const wire = framed(frames);
        peer.write(wire);
        peer.end();
        const received: Buffer[] = [];
        for (let round = 0; round < 400 && !peer.ended; round++) {
          await rig.turns(5);
          received.push(peer.take());
        }
        assert.deepEqual(rig.deaths, []);
        assert.ok(peer.ended, 'the peer sees the end');
        assert.ok(Buffer.concat(received).equals(wire), 'every byte came back');
        await rig.turns(20);
        assert.equal(rig.loop.connectionCount, 0);
        rig.loop.close();
      }),
      { numRuns: 150 },
    );
  });

  test('a connection that breaks at any time is closed once, and every promise of it settles', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), payloads, async (seed, frames) => {
        let opened = 0;
        let closed = 0;
        let asked = 0;
        let settled = 0;
        const rig = simulatedLoop(
          {
            onOpened() {
              opened++;
            },
            onClosed() {
              closed++;
            },
            react(frame, c: Conn) {
              asked++;
              c.flushWrite(frame as Buffer)
                .catch(() => {})
                .finally(() => settled++);
            },
          },
          { seed, faults: { ...roughFaults, reset: 0.02 }, connection: { codec } },
        );
        const peers = [rig.connect(), rig.connect(), rig.connect()];
        for (const peer of peers) peer.write(framed(frames));
        await rig.turns(200);
        rig.loop.abortConnections(undefined);
        await rig.turns(5);
        assert.deepEqual(rig.deaths, []);
        assert.equal(closed, opened);
        assert.equal(settled, asked);
        assert.equal(rig.loop.connectionCount, 0);
        rig.loop.close();
      }),
      { numRuns: 150 },
    );
  });
});
