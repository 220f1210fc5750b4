/**
 * However a connection ends, nothing that was taken is lost: SPEC 2.4 and 2.5 as they should be, byte
 * for byte, over TCP and Unix sockets (DESIGN, Close).
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Action, type Conn, type EventHandler, type Options } from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import type { RawClient } from 'gnet/testing';
import {
  assertSameBytes,
  connect,
  freeAddress,
  type Rig,
  type StreamTransport,
  startRig,
  everyTransport,
  type TestScope,
  text,
} from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const pattern = new BytePattern(2_5);
const pendingBytes = 33_554_432;
const large = pattern.slice(0, pendingBytes);

function start(
  t: TestScope,
  transport: StreamTransport,
  handler: EventHandler,
  options: Options = {},
): Promise<Rig> {
  return startRig(t, handler, options, freeAddress(t, transport));
}

/** Sends one frame, reads nothing until much is pending, then reads to the end. */
async function stallThenRead(client: RawClient, isPending: () => boolean): Promise<Buffer> {
  client.pauseReading();
  client.write('go');
  await waitUntil(isPending, 'pending bytes');
  await settle(20);
  client.resumeReading();
  return client.readUntilEnd();
}

for (const transport of everyTransport) {
  describe(`${transport}: 32 MiB pending are delivered whole`, () => {
    /** Answers `go` with 32 MiB and then does what is tested. */
    async function check(t: TestScope, answer: (c: Conn) => Action | void): Promise<Rig> {
      let taken: Conn | null = null;
      const handler: EventHandler = {
        react(_frame, c) {
          c.asyncWrite(large);
          taken = c;
          return answer(c) ?? Action.None;
        },
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      const bytes = await stallThenRead(client, () => taken !== null);
      assertSameBytes(bytes, large);
      assert.equal(client.broken, undefined);
      client.end();
      await client.untilClosed();
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
      assert.equal(rig.server.countConnections(), 0);
      return rig;
    }

    test('with the action Close', async (t) => {
      const rig = await check(t, () => Action.Close);
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });
    test('with close()', async (t) => {
      const rig = await check(t, (c) => c.close());
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });
    test('with close() twice, and writes after it that go nowhere', async (t) => {
      await check(t, (c) => {
        c.close();
        c.close();
        assert.equal(c.asyncWrite('late'), false);
        assert.equal(c.writeNoCodec('late'), false);
        void assert.rejects(c.flushWrite('late'), { code: 'ErrConnClosed' });
      });
    });
    test('with end(), then the peer ends', async (t) => {
      const rig = await check(t, (c) => c.end());
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });
    test('with the action Shutdown', async (t) => {
      const rig = await check(t, () => Action.Shutdown);
      await rig.server.closed;
      assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
    });

    test('as bytes in a pair with Close', async (t) => {
      let called = false;
      const handler: EventHandler = {
        react() {
          called = true;
          return [large, Action.Close];
        },
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      assertSameBytes(await stallThenRead(client, () => called), large);
      client.end();
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
    });

    test('with server.stop()', async (t) => {
      let connection: Conn | null = null;
      const handler: EventHandler = {
        react(_frame, c) {
          connection = c;
          return large;
        },
        signalClose: (c) => void c.asyncWrite('goodbye'),
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      let stopped: Promise<{ forced: number }> | null = null;
      const bytes = await stallThenRead(client, () => {
        if (connection === null) return false;
        stopped ??= rig.server.stop();
        return true;
      });
      assertSameBytes(bytes.subarray(0, pendingBytes), large);
      assert.equal(text(bytes.subarray(pendingBytes)), 'goodbye');
      client.end();
      assert.deepEqual(await stopped, { forced: 0 });
      assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
    });

    test("with the peer's half-close", async (t) => {
      let connection: Conn | null = null;
      const handler: EventHandler = {
        react(_frame, c) {
          connection = c;
          return large;
        },
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      const bytes = await stallThenRead(client, () => {
        if (connection === null) return false;
        client.end();
        return true;
      });
      assertSameBytes(bytes, large);
      await client.untilClosed();
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
      assert.equal(client.broken, undefined);
    });
  });

  describe(`${transport}: the ends of a connection`, () => {
    test('20 MiB of echo, half-closed behind the last byte', async (t) => {
      const bytes = large.subarray(0, 20_971_520);
      const rig = await start(t, transport, { react: (frame) => frame });
      const client = await connect(t, rig);
      client.write(bytes);
      client.end();
      assertSameBytes(await client.readUntilEnd(), bytes);
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
      assert.equal(client.broken, undefined);
    });

    test('close with unread input does not destroy what was flushed', async (t) => {
      const answer = large.subarray(0, 1_048_576);
      const handler: EventHandler = { react: () => [answer, Action.Close] };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      client.pauseReading();
      client.write(large.subarray(0, 4_194_304));
      await settle(50);
      client.resumeReading();
      assertSameBytes(await client.readUntilEnd(), answer);
      client.end();
      await client.untilClosed();
      assert.equal(client.broken, undefined);
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
    });

    test('a handler that is still running at the end of the peer answers', async (t) => {
      const handler: EventHandler = {
        async react(frame) {
          const copy = Buffer.from(frame ?? '');
          await settle(100);
          return copy;
        },
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      client.write('hello');
      client.end();
      assert.equal(text(await client.readUntilEnd()), 'hello');
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
    });

    test('half-close with nothing pending is a close', async (t) => {
      const rig = await start(t, transport, {});
      const client = await connect(t, rig);
      client.end();
      assert.equal((await client.readUntilEnd()).length, 0);
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });

    const abrupt = transport === 'tls' ? 'closed(ErrTlsTruncated)' : 'closed';
    test(`a peer that just goes away: ${abrupt}`, async (t) => {
      const rig = await start(t, transport, { react: (frame) => frame });
      const client = await connect(t, rig);
      client.write('x');
      await client.readExactly(1);
      client.destroy();
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', abrupt]);
    });

    test('allowHalfOpen: onEnd, then answers until the handler closes', async (t) => {
      const handler: EventHandler = {
        async onEnd(c) {
          assert.equal(c.readEnded, true);
          c.asyncWrite('one ');
          await settle(50);
          c.asyncWrite('two ');
          await c.flushWrite(large);
          c.close();
        },
      };
      const rig = await start(t, transport, handler, { allowHalfOpen: true });
      const client = await connect(t, rig);
      client.end();
      const bytes = await client.readUntilEnd();
      assert.equal(text(bytes.subarray(0, 8)), 'one two ');
      assertSameBytes(bytes.subarray(8), large);
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
    });

    test('end(): frames go on arriving, and their answers go nowhere', async (t) => {
      const frames: string[] = [];
      const handler: EventHandler = {
        onOpened(c) {
          c.asyncWrite('hello');
          c.end();
          assert.equal(c.asyncWrite('late'), false);
        },
        react(frame) {
          frames.push(String(frame));
          return frame;
        },
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      assert.equal(text(await client.readUntilEnd()), 'hello');
      for (const frame of ['one', 'two']) {
        client.write(frame);
        await waitUntil(() => frames.at(-1) === frame, `the frame ${frame}`);
      }
      client.end();
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
      assert.deepEqual(frames, ['one', 'two']);
    });

    test('end() while a promise is open: what it answers goes out before the end', async (t) => {
      const handler: EventHandler = {
        async react(_frame, c) {
          c.end();
          await settle(30);
          assert.equal(c.asyncWrite('too late'), false);
          return 'late';
        },
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      client.write('go');
      assert.equal(text(await client.readUntilEnd()), 'late');
      client.end();
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });

    test('inside onClosed: addresses and context are there, writes go nowhere', async (t) => {
      let seen: Conn | null = null;
      const handler: EventHandler = {
        onOpened(c) {
          c.context = 'mine';
        },
        onClosed(c) {
          seen = c;
          assert.equal(c.context, 'mine');
          assert.notEqual(c.remoteAddr, '');
          assert.notEqual(c.localAddr, '');
          assert.equal(c.asyncWrite('late'), false);
          c.close();
          c.wake();
          c.pauseRead();
          c.resumeRead();
          c.end();
        },
      };
      const rig = await start(t, transport, handler);
      const client = await connect(t, rig);
      client.end();
      assert.equal((await client.readUntilEnd()).length, 0);
      await waitUntil(() => seen !== null, 'onClosed');
      await settle(10);
      const closed = seen as unknown as Conn;
      assert.equal(closed.context, undefined);
      assert.equal(closed.fd, -1);
      assert.equal(closed.outboundBuffered(), 0);
      assert.equal(closed.asyncWrite('late'), false);
      assert.deepEqual(rig.reports, []);
    });
  });
}

describe('a reset', () => {
  test('gives onClosed ECONNRESET, with syscall and address', async (t) => {
    let peer = '';
    const handler: EventHandler = {
      onOpened(c) {
        peer = c.remoteAddr;
      },
    };
    const rig = await start(t, 'tcp', handler);
    const client = await connect(t, rig);
    await waitUntil(() => peer !== '', 'onOpened');
    client.reset();
    await waitUntil(() => rig.events.length === 3, 'onClosed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed(ECONNRESET)']);
    const error = rig.closeErrors[0] as NodeJS.ErrnoException & { address?: string };
    assert.equal(error.address, peer);
    assert.equal(typeof error.syscall, 'string');
    assert.equal(typeof error.errno, 'number');
  });

  test('under pending output gives ECONNRESET and rejects flushWrite', async (t) => {
    const codes: string[] = [];
    const handler: EventHandler = {
      react(_frame, c) {
        c.flushWrite(large).then(
          () => codes.push('flushed'),
          (error: NodeJS.ErrnoException) => codes.push(String(error.code)),
        );
      },
    };
    const rig = await start(t, 'tcp', handler);
    const client = await connect(t, rig);
    client.pauseReading();
    client.write('go');
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesSent ?? 0) > 0, 'bytes on their way');
    client.reset();
    await waitUntil(() => codes.length > 0, 'flushWrite');
    assert.deepEqual(codes, ['ErrConnClosed']);
    assert.deepEqual(rig.events, ['init', 'open', 'closed(ECONNRESET)']);
  });

  test('of one connection leaves the others alone', async (t) => {
    const rig = await start(t, 'tcp', { react: (frame) => frame });
    const [client, other] = [await connect(t, rig), await connect(t, rig)];
    client.write('x');
    await client.readExactly(1);
    client.reset();
    await waitUntil(() => rig.events.includes('closed(ECONNRESET)'), 'onClosed');
    other.write('y');
    assert.equal(text(await other.readExactly(1)), 'y');
  });
});
