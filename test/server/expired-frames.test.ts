/** A frame that is kept beyond its time shows that in development mode, and is left alone before. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Conn, ErrOutboundOverflow, type EventHandler, LineBasedFrameCodec } from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { runProgram } from '../support/program.ts';
import { assertSameBytes, connect, startRig, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const pattern = new BytePattern(8);

describe('frames that were kept too long', () => {
  const handler = (kept: Buffer[]): EventHandler => ({
    react(frame) {
      if (frame !== null) kept.push(frame);
    },
  });

  test('are poisoned in development mode', async (t) => {
    const kept: Buffer[] = [];
    const rig = await startRig(t, handler(kept));
    const client = await connect(t, rig);
    client.write('kept');
    await waitUntil(() => kept.length === 1, 'the frame');
    assert.deepEqual([...(kept[0] as Buffer)], [0xdb, 0xdb, 0xdb, 0xdb]);
  });

  for (const [place, codec] of [
    ['the read', undefined],
    ['the ring', new LineBasedFrameCodec()],
  ] as const) {
    for (const later of [false, true]) {
      test(`stay poisoned whatever is received later: of ${place}${later ? ', after a promise' : ''}`, async (t) => {
        const kept: Buffer[] = [];
        const react = (frame: Buffer | null): Promise<string> | string => {
          kept.push(frame as Buffer);
          return later ? settle(1).then(() => 'done\n') : 'done\n';
        };
        const rig = await startRig(t, { react }, codec === undefined ? {} : { codec });
        const client = await connect(t, rig);
        for (const letter of 'abcd') {
          // In two parts, so that the codec finds it in the ring.
          if (codec !== undefined) {
            client.write(letter.repeat(5_000));
            await settle(5);
          }
          client.write(`${letter.repeat(10)}\n`);
          await client.readExactly(codec === undefined ? 5 : 6);
        }
        assert.equal(kept.length, 4);
        for (const frame of kept.slice(0, 3)) {
          assert.ok(frame.length >= 10 && frame.every((byte) => byte === 0xdb), text(frame));
        }
      });
    }
  }

  test('are poisoned where they stood in the ring, and what waits behind them is not', async (t) => {
    const kept: Buffer[] = [];
    const codec = new LineBasedFrameCodec();
    const rig = await startRig(t, handler(kept), { codec });
    const client = await connect(t, rig);
    // A leftover longer than what follows it: frames are cut from the ring from then on.
    const long = 'x'.repeat(5_000);
    client.write(long);
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesReceived ?? 0) >= 5_000, 'received');
    client.write('y\ntwo\nthr');
    await waitUntil(() => kept.length === 2, 'two frames');
    client.write('ee\n');
    await waitUntil(() => kept.length === 3, 'the third');
    assert.deepEqual(
      kept.map((frame) => [frame.length, frame.every((byte) => byte === 0xdb)]),
      [5_001, 3, 5].map((length) => [length, true]),
    );
  });

  test('are left alone until their promise settles, also when their own call closed', async (t) => {
    let frame: Buffer = Buffer.alloc(0);
    const react = (lent: Buffer | null, c: Conn): Promise<never> => {
      frame = lent as Buffer;
      for (let count = 0; count < 20_000; count++) c.asyncWrite(Buffer.alloc(1_500));
      return new Promise(() => {});
    };
    const options = {
      codec: new LineBasedFrameCodec(),
      highWaterMark: 1_024,
      maxOutboundBytes: 2_048,
    };
    const rig = await startRig(t, { react }, options);
    const client = await connect(t, rig);
    client.pauseReading();
    client.write('x'.repeat(5_000)); // not a frame yet: it waits in the ring
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesReceived ?? 0) >= 5_000, 'received');
    client.write('y\n');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrOutboundOverflow);
    assert.equal(text(frame), `${'x'.repeat(5_000)}y`);
  });

  test('of datagrams are poisoned, too', async (t) => {
    const kept: Buffer[] = [];
    const rig = await startRig(t, handler(kept), {}, 'udp://127.0.0.1:0');
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'kept');
    await waitUntil(() => kept.length === 1, 'the datagram');
    assert.deepEqual([...(kept[0] as Buffer)], [0xdb, 0xdb, 0xdb, 0xdb]);
    for (const datagram of ['more', 'of them']) await client.send(rig.server.addr, datagram);
    await waitUntil(() => kept.length === 3, 'three datagrams');
    assert.deepEqual([...(kept[0] as Buffer)], [0xdb, 0xdb, 0xdb, 0xdb]);
  });

  for (const [env, expected] of [
    [{ NODE_ENV: 'production' }, 'kept'],
    [{ NODE_ENV: 'production', GNET_DEBUG: '1' }, '\xdb\xdb\xdb\xdb'],
  ] as const) {
    test(`are ${JSON.stringify(expected)} with ${JSON.stringify(env)}`, async (t) => {
      const options = { env: { ...process.env, ...env } };
      const program = runProgram(t, 'test/server/programs/keep-frame.ts', [], options);
      const [address] = await program.line(/listening on (\S+)/);
      const client = await connect(t, address as string);
      client.write('kept');
      const [seen] = await program.line(/frame (.*)\n/);
      assert.equal(JSON.parse(seen as string), expected);
    });
  }

  test('of datagrams held across an await stay whole', async (t) => {
    const asyncHandler: EventHandler = {
      async react(frame) {
        const before = Buffer.from(frame ?? '');
        await sleep(5);
        assertSameBytes(frame ?? Buffer.alloc(0), before, 'a lent datagram');
        return frame;
      },
    };
    const rig = await startRig(t, asyncHandler, {}, 'udp://127.0.0.1:0');
    const clients = await Promise.all(Array.from({ length: 10 }, () => DatagramClient.open(t)));
    for (const [number, client] of clients.entries()) {
      for (let round = 0; round < 5; round++) {
        await client.send(rig.server.addr, pattern.slice(number * 1_000 + round, 1_000));
      }
    }
    for (const [number, client] of clients.entries()) {
      for (let round = 0; round < 5; round++) {
        assertSameBytes(await client.next(), pattern.slice(number * 1_000 + round, 1_000));
      }
    }
    assert.deepEqual(rig.reports, []);
  });
});
