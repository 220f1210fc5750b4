/** Bounded memory on the way out: watermarks, pausing, overflow (DESIGN, decision 9). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  Action,
  type Conn,
  ErrOutboundOverflow,
  type EventHandler,
  LineBasedFrameCodec,
  type Options,
} from 'gnet';
import type { StreamConnection } from '../../src/connection/stream-connection.ts';
import { BytePattern } from '../../testing/byte-pattern.ts';
import type { RawClient } from 'gnet/testing';
import {
  assertSameBytes,
  codeOf,
  connect,
  freeAddress,
  pair,
  everyTransport,
  text,
} from '../support/rig.ts';
import { offer } from '../support/offer.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const mebibyte = 1_048_576;
const pattern = new BytePattern(4);

/** Fills the kernel's buffers until bytes stay here. */
async function block(c: Conn, client: RawClient): Promise<number> {
  client.pauseReading();
  let written = 0;
  for (; c.outboundBuffered() === 0; written += mebibyte) {
    await offer(c, pattern.slice(written, mebibyte));
  }
  return written;
}

describe('watermarks', () => {
  test('a write returns false from the high mark on; onDrain follows once, at the low mark', async (t) => {
    const drained: number[] = [];
    const handler: EventHandler = { onDrain: (c) => void drained.push(c.outboundBuffered()) };
    const options = { highWaterMark: 4 * mebibyte, lowWaterMark: mebibyte };
    const { c, client } = await pair(t, handler, options);
    let written = await block(c, client);
    let accepted = true;
    while (accepted) {
      accepted = c.asyncWrite(pattern.slice(written, mebibyte));
      written += mebibyte;
      assert.equal(accepted, c.outboundBuffered() <= options.highWaterMark);
    }
    assert.equal(c.asyncWrite(pattern.slice(written, 10)), false);
    written += 10;
    await settle(20);
    assert.deepEqual(drained, []);
    client.resumeReading();
    const bytes = await client.readExactly(written);
    await waitUntil(() => drained.length > 0, 'onDrain');
    assertSameBytes(bytes, pattern.slice(0, written));
    await settle(20);
    assert.equal(drained.length, 1);
    assert.ok((drained.at(0) ?? Infinity) <= options.lowWaterMark);
    assert.equal(c.asyncWrite('again'), true);
  });

  test('onDrain comes exactly once per crossing, whenever the reader rests', async (t) => {
    const plan = fc.array(
      fc.record({
        writes: fc.integer({ min: 1, max: 12 }),
        bytes: fc.integer({ min: 1, max: 2 * mebibyte }),
        restMs: fc.integer({ min: 0, max: 5 }),
        reads: fc.boolean(),
      }),
      { minLength: 4, maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(plan, async (steps) => {
        let [crossings, drains, written] = [0, 0, 0];
        let above = false;
        const handler: EventHandler = {
          onDrain() {
            assert.equal(above, true);
            above = false;
            drains++;
          },
        };
        const options = { highWaterMark: mebibyte, lowWaterMark: 65_536 };
        const { rig, c, client } = await pair(t, handler, options);
        for (const { writes, bytes, restMs, reads } of steps) {
          if (reads) client.resumeReading();
          else client.pauseReading();
          for (let count = 0; count < writes && c.outboundBuffered() < 40 * mebibyte; count++) {
            const fits = c.asyncWrite(pattern.slice(written, bytes));
            written += bytes;
            if (!fits && !above) {
              above = true;
              crossings++;
            }
          }
          await settle(restMs);
        }
        client.resumeReading();
        assertSameBytes(await client.readExactly(written), pattern.slice(0, written));
        await waitUntil(() => !above, 'the last onDrain');
        await settle(2);
        assert.equal(drains, crossings);
        await rig.server.close();
      }),
      { numRuns: 12 },
    );
  });

  test('bytes are taken at the call: changing the buffer afterwards changes nothing', async (t) => {
    const { c, client } = await pair(t);
    const small = Buffer.from('small');
    const direct = pattern.slice(0, 60_000);
    c.asyncWrite(small);
    small.fill(0);
    assert.equal(text(await client.readExactly(5)), 'small');
    c.asyncWrite(direct);
    direct.fill(0);
    assertSameBytes(await client.readExactly(60_000), pattern.slice(0, 60_000));
    const written = await block(c, client);
    const pending = pattern.slice(written, 20 * mebibyte);
    c.asyncWrite(pending);
    pending.fill(0);
    client.resumeReading();
    const total = written + 20 * mebibyte;
    assertSameBytes(await client.readExactly(total), pattern.slice(0, total));
  });

  test('bytes of a SharedArrayBuffer and of a resizable ArrayBuffer are taken at the call', async (t) => {
    const { c, client } = await pair(t);
    const shared = new Uint8Array(new SharedArrayBuffer(100_000)).fill(1);
    const resizable = new ArrayBuffer(100_000, { maxByteLength: 200_000 });
    new Uint8Array(resizable).fill(2);
    c.asyncWrite(shared);
    c.asyncWrite(new Uint8Array(resizable));
    shared.fill(9);
    resizable.resize(0);
    const bytes = await client.readExactly(200_000);
    assert.ok(bytes.subarray(0, 100_000).every((byte) => byte === 1));
    assert.ok(bytes.subarray(100_000).every((byte) => byte === 2));
  });

  test('flushWrite resolves when the kernel has the bytes, not when a driver has', async (t) => {
    const { c } = await pair(t);
    const { transport, slot } = c as unknown as StreamConnection;
    for (const data of ['short', Buffer.alloc(20_000), Buffer.alloc(mebibyte)]) {
      await c.flushWrite(data);
      assert.ok(transport.handedOver(slot));
    }
    c.asyncWrite('before');
    c.flush();
    await c.flushWrite('');
    assert.ok(transport.handedOver(slot));
  });

  test('flushWrite of nothing waits also on the way to a close', async (t) => {
    const { rig, c, client } = await pair(t);
    const written = await block(c, client);
    c.asyncWrite(Buffer.alloc(1_000));
    c.close();
    let flushed = false;
    const flushing = c.flushWrite('', true).then(() => {
      flushed = true;
    });
    await assert.rejects(c.flushWrite('more', true), { code: 'ErrConnClosed' });
    assert.equal(flushed, false);
    client.resumeReading();
    await flushing;
    await client.readExactly(written + 1_000);
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    await assert.rejects(c.flushWrite('', true), { code: 'ErrConnClosed' });
  });

  test('flushWrite settles once per call: in order when flushed, rejected when closed', async (t) => {
    const settled: string[] = [];
    const { rig, c, client } = await pair(t);
    const follow = (name: string, promise: Promise<void>): void => {
      promise.then(
        () => settled.push(`${name} flushed`),
        (error: { code?: string }) => settled.push(`${name} ${error.code}`),
      );
    };
    follow('empty', c.flushWrite(''));
    await block(c, client);
    follow('one', c.flushWrite(Buffer.alloc(mebibyte)));
    follow('two', c.flushWrite('x', true));
    await settle(20);
    assert.deepEqual(settled, ['empty flushed']);
    client.resumeReading();
    await waitUntil(() => settled.length === 3, 'both');
    assert.deepEqual(settled, ['empty flushed', 'one flushed', 'two flushed']);
    await block(c, client);
    follow('three', c.flushWrite(Buffer.alloc(mebibyte)));
    follow('four', c.flushWrite('x'));
    await rig.server.close();
    await waitUntil(() => settled.length === 5, 'both');
    follow('five', c.flushWrite('x'));
    await waitUntil(() => settled.length === 6, 'the one behind the end');
    assert.deepEqual(settled.slice(3), [
      'three ErrConnClosed',
      'four ErrConnClosed',
      'five ErrConnClosed',
    ]);
  });
});

for (const transport of everyTransport) {
  describe(`${transport}: pauseRead and resumeRead`, () => {
    test('nothing is delivered while paused, and nothing is lost', async (t) => {
      const received: Buffer[] = [];
      const handler: EventHandler = {
        onOpened: (c) => c.pauseRead(),
        react: (frame) => void received.push(Buffer.from(frame ?? '')),
      };
      const { c, client } = await pair(t, handler, {}, freeAddress(t, transport));
      const total = 8 * mebibyte;
      client.write(pattern.slice(0, total));
      await settle(50);
      assert.equal(received.length, 0);
      const length = (): number => received.reduce((sum, piece) => sum + piece.length, 0);
      for (let round = 0; round < 5; round++) {
        c.resumeRead();
        await settle(2);
        c.pauseRead();
        const before = length();
        await settle(10);
        assert.equal(length(), before);
      }
      c.resumeRead();
      await waitUntil(() => length() === total, 'everything');
      assertSameBytes(Buffer.concat(received), pattern.slice(0, total));
    });

    test('frames that were read already wait, too', async (t) => {
      const frames: string[] = [];
      const handler: EventHandler = {
        react(frame, c) {
          frames.push(String(frame));
          c.pauseRead();
        },
      };
      const options = { codec: new LineBasedFrameCodec() };
      const { c, client } = await pair(t, handler, options, freeAddress(t, transport));
      client.write('one\ntwo\nthree\n');
      for (const count of [1, 2, 3]) {
        await waitUntil(() => frames.length === count, `frame ${count}`);
        await settle(10);
        assert.equal(frames.length, count);
        c.resumeRead();
      }
      assert.deepEqual(frames, ['one', 'two', 'three']);
    });

    test('writing and waking go on while paused', async (t) => {
      const handler: EventHandler = {
        onOpened: (c) => c.pauseRead(),
        react: (frame) => (frame === null ? 'woken' : 'frame'),
      };
      const { c, client } = await pair(t, handler, {}, freeAddress(t, transport));
      client.write('x');
      c.asyncWrite('written ');
      c.wake();
      assert.equal(text(await client.readExactly(13)), 'written woken');
      c.resumeRead();
      assert.equal(text(await client.readExactly(5)), 'frame');
    });

    test('the end of the peer waits for resumeRead, behind its last bytes', async (t) => {
      const received: string[] = [];
      const handler: EventHandler = {
        onOpened: (c) => c.pauseRead(),
        react: (frame) => void received.push(String(frame)),
        onEnd: () => void received.push('end'),
      };
      const { rig, c, client } = await pair(t, handler, {}, freeAddress(t, transport));
      client.write('last words');
      client.end();
      await settle(30);
      assert.equal(rig.server.countConnections(), 1);
      c.resumeRead();
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(received, ['last words', 'end']);
    });

    test('closing right after resumeRead still reads on to the end of the peer', async (t) => {
      const handler: EventHandler = {
        onOpened: (c) => c.pauseRead(),
        react(frame, c) {
          if (frame !== null) return frame;
          c.resumeRead();
          return Action.Close;
        },
      };
      const options = { closeTimeout: 0 }; // only the end of the peer ends it
      const { rig, c, client } = await pair(t, handler, options, freeAddress(t, transport));
      client.write('unread');
      await settle(5);
      c.wake();
      assert.equal((await client.readUntilEnd()).length, 0);
      client.end();
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });

    test('a paused connection whose peer is gone costs nothing until it is resumed', async (t) => {
      const handler: EventHandler = { onOpened: (c) => c.pauseRead() };
      const { rig, c, client } = await pair(t, handler, {}, freeAddress(t, transport));
      // With TLS a client that leaves has not read its tickets, and the kernel resets by itself.
      if (transport === 'unix') client.destroy();
      else client.reset();
      await client.untilClosed();
      await settle(20);
      const waits = (): number => rig.server.stats().loops[0]?.waits ?? 0;
      const before = waits();
      await settle(200);
      // The two timers of this test, and the runtime's own turns: a spin makes tens of thousands.
      assert.ok(waits() - before < 1_000, `${waits() - before} waits`);
      c.resumeRead();
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.equal(rig.events[2], transport === 'unix' ? 'closed' : 'closed(ECONNRESET)');
    });
  });
}

describe('overflow', () => {
  test('close: closes a reader that stops, though nothing more is written', async (t) => {
    const options = {
      overflow: 'close' as const,
      highWaterMark: 4_096,
      lowWaterMark: 1_024,
      socketSendBuffer: 20_000,
    };
    const { rig, c, client } = await pair(t, {}, options);
    client.pauseReading();
    // Little at a time: a driver may take that before it asks the kernel.
    for (let turn = 0; turn < 4_000 && rig.closeErrors.length === 0; turn++) {
      if (c.outboundBuffered() <= options.highWaterMark) c.asyncWrite(pattern.slice(0, 15_000));
      await settle(5);
    }
    assert.equal(codeOf(rig.closeErrors[0]), 'ErrOutboundOverflow');
  });

  test('pause: a client that sends and never reads is not read, and memory is bounded', async (t) => {
    const options = {
      highWaterMark: mebibyte,
      lowWaterMark: 65_536,
      maxOutboundBytes: 4 * mebibyte,
    };
    let most = 0;
    const handler: EventHandler = {
      react(frame, c) {
        most = Math.max(most, c.outboundBuffered());
        return frame;
      },
    };
    const { rig, c, client } = await pair(t, handler, options);
    client.pauseReading();
    const total = 32 * mebibyte;
    client.write(pattern.slice(0, total));
    const received = (): number => rig.server.stats().loops[0]?.bytesReceived ?? 0;
    // Above the low mark: the kernel may take more after the high one was crossed.
    await waitUntil(() => c.outboundBuffered() > options.highWaterMark / 4, 'the marks');
    // Until the kernel takes no more: reading has paused.
    for (let before = -1; before !== received(); ) {
      before = received();
      await settle(50);
    }
    assert.ok(received() < total, 'reading has paused');
    assert.ok(c.outboundBuffered() <= options.highWaterMark + 65_536, `${c.outboundBuffered()}`);
    assert.ok(most <= options.highWaterMark);
    client.resumeReading();
    assertSameBytes(await client.readExactly(total), pattern.slice(0, total));
    assert.deepEqual(rig.events, ['init', 'open']);
  });

  test('pause: frames that were read already wait behind the mark, too', async (t) => {
    const answer = Buffer.alloc(65_536, 'a');
    const options = { highWaterMark: mebibyte, codec: new LineBasedFrameCodec() };
    let frames = 0;
    const handler: EventHandler = {
      react() {
        frames++;
        return answer;
      },
    };
    const { c, client } = await pair(t, handler, options);
    client.pauseReading();
    client.write('\n'.repeat(400));
    // Above the low mark: the kernel may take more after the high one was crossed.
    await waitUntil(() => c.outboundBuffered() > mebibyte / 4, 'the marks');
    await settle(30);
    assert.ok(frames < 400, `${frames} frames`);
    assert.ok(c.outboundBuffered() <= mebibyte + 65_537, `${c.outboundBuffered()}`);
    client.resumeReading();
    await client.readExactly(400 * 65_537);
    assert.equal(frames, 400);
  });

  test('none: above the high mark it is read on, and onDrain follows', async (t) => {
    const answer = Buffer.alloc(65_536, 'a');
    const codec = new LineBasedFrameCodec();
    let frames = 0;
    let refused = 0;
    let drained = 0;
    const handler: EventHandler = {
      react(_frame, c) {
        frames++;
        if (!c.writeNoCodec(answer)) refused++;
      },
      onDrain: () => void drained++,
    };
    const options: Options = { overflow: 'none', highWaterMark: mebibyte, codec };
    const { c, client } = await pair(t, handler, options);
    client.pauseReading();
    client.write('\n'.repeat(400));
    await waitUntil(() => frames === 400, 'all frames');
    assert.ok(c.outboundBuffered() > mebibyte, `${c.outboundBuffered()}`);
    assert.ok(refused > 0);
    client.resumeReading();
    await client.readExactly(400 * 65_536);
    await waitUntil(() => drained === 1, 'onDrain');
  });

  test('close: above the high mark the connection ends with ErrOutboundOverflow', async (t) => {
    const options: Options = { overflow: 'close', highWaterMark: mebibyte };
    const { rig, client } = await pair(t, { react: () => Buffer.alloc(2 * mebibyte) }, options);
    const frames = (): number => rig.server.stats().loops[0]?.frames ?? 0;
    client.pauseReading();
    for (let count = 1; count <= 20 && rig.closeErrors.length === 0; count++) {
      client.write('x');
      // Two in one read would be one frame.
      await waitUntil(() => frames() === count, 'the frame');
    }
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrOutboundOverflow);
    assert.match(rig.closeErrors[0].message, /highWaterMark is 1048576/);
  });

  test('close: a reader that keeps up may get more than the mark in one go', async (t) => {
    const options: Options = { overflow: 'close', highWaterMark: mebibyte };
    const answer = pattern.slice(0, 1_500_000);
    const { rig, client } = await pair(t, { react: () => answer }, options);
    for (let count = 0; count < 5; count++) {
      client.write('x');
      assertSameBytes(await client.readExactly(answer.length), answer);
    }
    assert.deepEqual(rig.events, ['init', 'open']);
  });

  test('maxOutboundBytes closes with ErrOutboundOverflow; nothing is written afterwards', async (t) => {
    const options = { highWaterMark: mebibyte, maxOutboundBytes: 2 * mebibyte };
    const { rig, c, client } = await pair(t, {}, options);
    client.pauseReading();
    for (let writes = 0; writes < 200 && rig.closeErrors.length === 0; writes++) {
      c.asyncWrite(Buffer.alloc(mebibyte));
      await settle(1);
    }
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrOutboundOverflow);
    assert.match(rig.closeErrors[0].message, /maxOutboundBytes is 2097152/);
    assert.equal(c.asyncWrite('x'), false);
    assert.equal(c.outboundBuffered(), 0);
  });

  test('maxOutboundBytes, passed inside react: the answer of that call goes nowhere', async (t) => {
    const options = { highWaterMark: 1_024, maxOutboundBytes: 2_048 };
    const handler: EventHandler = {
      react(frame, c) {
        for (let count = 0; count < 20_000; count++) c.asyncWrite(Buffer.alloc(1_500));
        return frame;
      },
    };
    const { rig, client } = await pair(t, handler, options);
    client.pauseReading();
    client.write('x');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrOutboundOverflow);
    assert.deepEqual(rig.reports, []);
    const other = await connect(t, rig);
    await waitUntil(() => rig.events.length === 4, 'another connection');
    assert.equal(other.broken, undefined);
  });

  test('one answer above maxOutboundBytes is allowed when nothing else is pending', async (t) => {
    const options = { highWaterMark: mebibyte, maxOutboundBytes: 2 * mebibyte };
    const answer = pattern.slice(0, 20 * mebibyte);
    const { c, client } = await pair(t, {}, options);
    client.pauseReading();
    assert.equal(c.asyncWrite(answer), false);
    await settle(20);
    client.resumeReading();
    assertSameBytes(await client.readExactly(answer.length), answer);
  });
});
