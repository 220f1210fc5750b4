/** `peek`, `next`, `discard`; `writev`, `asyncWritev`, `tryWrite`: the same on every driver and over TLS. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Conn,
  ErrInvalidReply,
  type EventHandler,
  type FrameSource,
  type ICodec,
  LengthFieldBasedFrameCodec,
} from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { notOn } from '../support/driver.ts';
import { assertSameBytes, everyTransport, freeAddress, pair } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

/** A length of one byte, then that many; written with the new names. */
class ShortFrames implements ICodec {
  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    return Buffer.concat([Buffer.of(buf.length), buf]);
  }
  decode(c: FrameSource): Buffer | null {
    const length = c.peek(1)?.[0];
    if (length === undefined || c.peek(1 + length) === null) return null;
    c.discard(1);
    return length === 0 ? Buffer.alloc(0) : c.next(length);
  }
}

for (const transport of everyTransport) {
  describe(`reading and writing over ${transport}`, () => {
    test('a codec over peek, next and discard finds every frame, however they are cut', async (t) => {
      const seen: string[] = [];
      const codec = new ShortFrames();
      const handler: EventHandler = { react: (frame) => void seen.push(String(frame)) };
      const { client } = await pair(t, handler, { codec }, freeAddress(t, transport));
      // 3 one, 0, 3 two, 5 three: cut in the middle of frames and lengths.
      for (const piece of ['\x03on', 'e\x00\x03t', 'wo\x05thr', 'ee']) {
        client.write(piece);
        await settle();
      }
      await waitUntil(() => seen.length === 4, 'four frames');
      assert.deepEqual(seen, ['one', '', 'two', 'three']);
    });

    test('react sees what stands behind its frame, and takes it', async (t) => {
      const seen: unknown[] = [];
      const handler: EventHandler = {
        react(frame, c) {
          if (String(frame) !== 'A') return;
          seen.push(c.inboundBuffered(), String(c.peek(3)), c.peek(8), c.inboundBuffered());
          seen.push(String(c.next(2)), c.next(6), c.discard(1), c.discard(0), c.discard(99));
          seen.push(
            c.discard(),
            c.peek()?.length,
            c.next()?.length,
            c.peek(1),
            c.inboundBuffered(),
          );
        },
      };
      const { client } = await pair(
        t,
        handler,
        { codec: new ShortFrames() },
        freeAddress(t, transport),
      );
      client.write('\x01A1234567');
      await waitUntil(() => seen.length > 0, 'the frame');
      assert.deepEqual(seen, [7, '123', null, 7, '12', null, 1, 0, 4, 0, 0, 0, null, 0]);
    });

    test('an answer that is on its way is not written over by the next one of the read', async (t) => {
      // What an encoder writes in front of a frame is longer than what the decoder took off.
      const codec = new LengthFieldBasedFrameCodec(
        { lengthFieldLength: 8, lengthAdjustment: 0, lengthIncludesLengthFieldLength: false },
        { lengthFieldOffset: 0, lengthFieldLength: 1, lengthAdjustment: 0, initialBytesToStrip: 1 },
      );
      const handler: EventHandler = {
        react(frame, c) {
          c.flush();
          return frame;
        },
      };
      const { client } = await pair(t, handler, { codec }, freeAddress(t, transport));
      const frames = ['first frame', 'second frame', 'third frame'];
      client.write(Buffer.from(frames.map((f) => String.fromCharCode(f.length) + f).join('')));
      for (const frame of frames) {
        const got = await client.readExactly(8 + frame.length);
        assert.equal(got.readBigUInt64BE(), BigInt(frame.length));
        assert.equal(String(got.subarray(8)), frame);
      }
    });

    test('parts arrive as they are, whatever their number and size', async (t) => {
      const { c, client } = await pair(t, {}, {}, freeAddress(t, transport));
      const big = Buffer.alloc(300_000, 'b');
      assert.equal(c.writev(['a', Buffer.alloc(0), Uint8Array.of(0x31), big, 'z']), true);
      assert.equal(c.writev([]), true);
      const expected = Buffer.concat([Buffer.from('a1'), big, Buffer.from('z')]);
      assertSameBytes(await client.readExactly(expected.length), expected);
    });

    test('parts are taken at the call, also those that the kernel takes later', async (t) => {
      const small = { socketSendBuffer: 16_384, socketRecvBuffer: 16_384 };
      const { c, client } = await pair(t, {}, small, freeAddress(t, transport));
      const big = Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, at) => at % 251));
      const expected = Buffer.concat([Buffer.from('<'), big, Buffer.from('>')]);
      c.writev(['<', big, '>']);
      big.fill(0);
      assertSameBytes(await client.readExactly(expected.length), expected);
    });

    test('asyncWritev makes one frame of the parts, writev none', async (t) => {
      const options = {
        codec: new LengthFieldBasedFrameCodec(
          { lengthFieldLength: 2 },
          { lengthFieldOffset: 0, lengthFieldLength: 2, initialBytesToStrip: 2 },
        ),
      };
      const { c, client } = await pair(t, {}, options, freeAddress(t, transport));
      c.asyncWritev(['ab', 'c']);
      c.writev(['d', 'e']);
      assert.equal(String(await client.readExactly(7)), '\0\x03abcde');
    });

    test('tryWrite gives the kernel what it takes, and the program keeps the rest', async (t) => {
      const bytes = new BytePattern(3).slice(0, 16_000_000);
      let at = 0;
      let left = 0;
      const goOn = (c: Conn): void => {
        while (at < bytes.length) {
          const taken = c.tryWrite(bytes.subarray(at));
          assert.ok(taken >= 0 && taken <= bytes.length - at);
          at += taken;
          if (at === bytes.length) return;
          left++;
          assert.equal(c.tryWrite(bytes.subarray(at)), 0);
          const start = at;
          at = Math.min(bytes.length, at + 100_000);
          if (!c.writeNoCodec(bytes.subarray(start, at))) return;
          assert.equal(c.tryWrite(Buffer.from('overtakes')), 0);
        }
      };
      const options = { highWaterMark: 65_536, lowWaterMark: 16_384 };
      const address = freeAddress(t, transport);
      const { c, client } = await pair(t, { onDrain: goOn }, options, address);
      assert.equal(c.tryWrite(Buffer.alloc(0)), 0);
      goOn(c);
      assertSameBytes(await client.readExactly(bytes.length), bytes);
      assert.ok(left > 0);
    });
  });
}

test('what is no list of bytes is refused before anything of it is taken', async (t) => {
  const { c, client } = await pair(t);
  for (const parts of [undefined, 'text', Buffer.from('x'), ['x', 1], ['x', null]]) {
    assert.throws(() => c.writev(parts as never), ErrInvalidReply);
    assert.throws(() => c.asyncWritev(parts as never), ErrInvalidReply);
  }
  assert.throws(() => c.tryWrite('text' as never), ErrInvalidReply);
  c.writev(['ok']);
  assert.equal(String(await client.readExactly(2)), 'ok');
});

test('a closed connection takes no parts', async (t) => {
  const { c, rig } = await pair(t);
  c.reset();
  await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  assert.equal(c.writev(['x']), false);
  assert.equal(c.asyncWritev(['x']), false);
  assert.equal(c.tryWrite(Buffer.from('x')), 0);
});

test(
  'parts leave in one call of the kernel, with what was pending',
  notOn('node', 'it has no tcpInfo'),
  async (t) => {
    const { c, client } = await pair(t);
    const segments = () => c.tcpInfo()?.segmentsSent;
    const parts = Array.from({ length: 20 }, (_, at) => Buffer.alloc(50, 65 + at));
    // Nagle's algorithm is off: each call would be a segment.
    c.asyncWritev(parts);
    c.writev(parts);
    await client.readExactly(2_000);
    assert.equal(segments(), 1);
  },
);

test('a tryWrite that nothing follows costs nothing once the peer has read', async (t) => {
  const { rig, c, client } = await pair(t);
  client.pauseReading();
  const bytes = Buffer.alloc(16_000_000);
  const taken = c.tryWrite(bytes);
  assert.ok(taken < bytes.length);
  assert.equal(c.outboundBuffered(), 0);
  client.resumeReading();
  await client.readExactly(taken);
  const turns = (): number => rig.server.stats().loops[0]?.turns ?? 0;
  let before: number;
  do {
    before = turns();
    await settle(100);
    // Who looks for room again and again has thousands, each time.
  } while (turns() - before > 20);
  c.writeNoCodec('more');
  assert.equal(String(await client.readExactly(4)), 'more');
});
