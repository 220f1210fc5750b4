/** How often `preWrite` is called, as docs/handlers.md says: the same on every driver. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BuiltInFrameCodec,
  type Conn,
  FixedLengthFrameCodec,
  type FrameSource,
  LineBasedFrameCodec,
} from 'gnet';
import { untilStuck } from '../support/offer.ts';
import { connect, freeAddress, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const rounds = 30;

for (const transport of ['unix', 'tls'] as const) {
  describe(`${transport}: preWrite`, () => {
    test('once per answer, though sends are under way and reads are short', async (t) => {
      let calls = 0;
      const rig = await startRig(
        t,
        { preWrite: () => void calls++, react: (frame) => frame },
        { readBufferCap: 16, codec: new FixedLengthFrameCodec(16) },
        freeAddress(t, transport),
      );
      for (let round = 0; round < rounds; round++) {
        const client = await connect(t, rig);
        client.write(Buffer.alloc(16 * 7, 120));
        client.end();
        assert.equal((await client.readUntilEnd()).length, 16 * 7);
      }
      assert.equal(calls, rounds * 7);
    });

    test('not for the answer of onOpened, nor once more for what is sent behind it', async (t) => {
      let calls = 0;
      const rig = await startRig(
        t,
        { onOpened: () => 'hello', preWrite: () => void calls++, react: (frame) => frame },
        { codec: new LineBasedFrameCodec() },
        freeAddress(t, transport),
      );
      for (let round = 0; round < rounds; round++) {
        const client = await connect(t, rig);
        client.write('one\n');
        client.end();
        assert.equal(String(await client.readUntilEnd()), 'helloone\n');
      }
      assert.equal(calls, rounds);
    });
  });
}

for (const transport of ['tcp', 'tls'] as const) {
  describe(`${transport}: preWrite`, () => {
    test('not while the kernel refuses bytes, and once when it takes them again', async (t) => {
      let calls = 0;
      let conn: Conn | undefined;
      const rig = await startRig(
        t,
        {
          preWrite: () => void calls++,
          onOpened(c) {
            conn = c;
          },
          react: (frame) => (frame?.[0] === 0x21 ? Buffer.alloc(32 * 1024 * 1024) : frame),
        },
        { highWaterMark: 48 * 1024 * 1024 },
        freeAddress(t, transport),
      );
      const client = await connect(t, rig);
      client.pauseReading();
      client.write('!');
      await waitUntil(() => (conn?.outboundBuffered() ?? 0) > 0, 'the answer is stuck');
      await untilStuck(conn as unknown as Conn);
      const before = calls;
      for (let count = 0; count < 10; count++) {
        client.write('x');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(calls, before);
      client.resumeReading();
      await waitUntil(() => client.receivedBytes === 32 * 1024 * 1024 + 10, 'all arrives');
      assert.ok(calls > before);
    });
  });
}

test('what a codec made in memory of its own stays as it was while preWrite writes elsewhere', async (t) => {
  const memory = Buffer.alloc(64);
  let other: Conn | undefined;
  const rig = await startRig(
    t,
    {
      onOpened(c) {
        other ??= c;
      },
      preWrite: (c) => void (c !== other && other?.asyncWrite('to the other one')),
      react: (frame) => frame,
    },
    {
      codec: {
        decode: (c) => {
          const bytes = Buffer.from(c.read());
          c.resetBuffer();
          return bytes.length === 0 ? null : bytes;
        },
        encode(_c, bytes) {
          memory.set(bytes);
          return memory.subarray(0, bytes.length);
        },
      },
    },
  );
  const first = await connect(t, rig);
  await waitUntil(() => other !== undefined, 'it is open');
  const second = await connect(t, rig);
  second.write('an answer');
  assert.equal(String(await second.readExactly(9)), 'an answer');
  assert.equal(String(await first.readExactly(16)), 'to the other one');
});

describe('what preWrite writes', () => {
  const withoutInPlace = {
    encode: (_c: unknown, bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from('\n')]),
    decode: (c: FrameSource) => new LineBasedFrameCodec().decode(c),
  };
  for (const [name, codec, end] of [
    ['no codec', new BuiltInFrameCodec(), ''],
    ['a codec that encodes in place', new LineBasedFrameCodec(), '\n'],
    ['a codec that does not', withoutInPlace, '\n'],
  ] as const) {
    test(`goes in front of the answer that it is called for: ${name}`, async (t) => {
      const rig = await startRig(
        t,
        { preWrite: (c) => void c.writeNoCodec('[pre]'), react: (frame) => frame },
        { codec },
      );
      const client = await connect(t, rig);
      for (const line of ['one', 'two']) {
        client.write(`${line}\n`);
        const expected = `[pre]${line}${end || '\n'}`;
        assert.equal(String(await client.readExactly(expected.length)), expected);
      }
      client.end();
    });
  }
});
