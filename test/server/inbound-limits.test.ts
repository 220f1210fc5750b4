/** Bounded memory on the way in: what one connection may hold before it has a frame. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ErrFrameTooLong,
  ErrInboundOverflow,
  LengthFieldBasedFrameCodec,
  LineBasedFrameCodec,
} from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { assertSameBytes, pair, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const mebibyte = 1_048_576;
const pattern = new BytePattern(4);

describe('what a connection may hold of its input', () => {
  test('maxInboundBytes ends an unfinished frame with ErrInboundOverflow', async (t) => {
    const options = { maxInboundBytes: mebibyte, codec: new LineBasedFrameCodec() };
    const { rig, client } = await pair(t, { react: (frame) => frame }, options);
    client.write(Buffer.alloc(4 * mebibyte, 'x'));
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrInboundOverflow);
    assert.match(rig.closeErrors[0].message, /maxInboundBytes is 1048576/);
  });

  test('maxInboundBytes is no limit for frames that are finished', async (t) => {
    const options = {
      maxInboundBytes: 65_536,
      readBufferCap: 65_536,
      codec: new LineBasedFrameCodec(),
    };
    const { client } = await pair(t, { react: (frame) => frame }, options);
    const lines = Buffer.alloc(mebibyte, `${'y'.repeat(1_023)}\n`);
    client.write(lines);
    assertSameBytes(await client.readExactly(lines.length), lines);
  });

  test('maxFrameLength lets a frame of that length pass and refuses a longer one', async (t) => {
    const options = { maxFrameLength: 1_000, codec: new LineBasedFrameCodec() };
    const { rig, client } = await pair(t, { react: (frame) => frame }, options);
    client.write(`${'a'.repeat(1_000)}\n`);
    assert.equal((await client.readExactly(1_001)).length, 1_001);
    client.write(`b\n${'a'.repeat(1_001)}\n`);
    assert.equal(text(await client.readUntilEnd()), 'b\n', 'earlier frames are answered');
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrFrameTooLong);
  });

  test('maxFrameLength ends a frame that never ends', async (t) => {
    const options = { maxFrameLength: 1_000, codec: new LineBasedFrameCodec() };
    const { rig, client } = await pair(t, { react: (frame) => frame }, options);
    client.write('a'.repeat(2_000));
    await waitUntil(() => rig.closeErrors.length === 1 || client.ended, 'the end');
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrFrameTooLong);
  });

  test('large frames in small pieces arrive whole', async (t) => {
    const codec = new LengthFieldBasedFrameCodec(
      { lengthFieldLength: 4 },
      { lengthFieldLength: 4, initialBytesToStrip: 4 },
    );
    const { client } = await pair(t, { react: (frame) => frame }, { codec });
    const frame = Buffer.alloc(4 + 3 * mebibyte);
    frame.writeUInt32BE(3 * mebibyte);
    pattern.slice(0, 3 * mebibyte).copy(frame, 4);
    for (let offset = 0; offset < frame.length; offset += 50_000) {
      await client.send(frame.subarray(offset, offset + 50_000));
    }
    assertSameBytes(await client.readExactly(frame.length), frame);
  });
});
