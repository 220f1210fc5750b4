/**
 * `idleTimeout`, `writeTimeout` and `closeTimeout` end peers that are stuck, with the right error, and
 * leave those alone that go on. Every case ends because something happened, never by a clock.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Conn, ErrTimeout, type EventHandler } from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import type { RawClient } from 'gnet/testing';
import {
  assertSameBytes,
  connect,
  freeAddress,
  pair,
  startRig,
  everyTransport,
  text,
} from '../support/rig.ts';
import { hasEverything, isRefused, offer } from '../support/offer.ts';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const large = new BytePattern(7).slice(0, 25_165_824);

/** Reads in pieces with rests between them: always a little, never fast. */
async function readSlowly(client: RawClient, restMs: number): Promise<void> {
  let resting = false;
  let since = client.receivedBytes;
  const onData = (): void => {
    if (resting || client.receivedBytes - since < 1_048_576) return;
    resting = true;
    client.pauseReading();
    setTimeout(() => {
      resting = false;
      since = client.receivedBytes;
      client.resumeReading();
    }, restMs);
  };
  client.socket.on('data', onData);
  client.resumeReading();
  await waitUntil(() => client.ended || client.closed, 'the end of a slow reader');
}

const little = large.subarray(0, 10_000);

/**
 * Little at a time until the kernel takes no more: a driver may take that before it asks the kernel.
 * Returns how often.
 */
async function fill(c: Conn, writesMax = Infinity): Promise<number> {
  let writes = 0;
  for (; writes < writesMax && !isRefused(c); writes++) await offer(c, little);
  return writes;
}

for (const transport of everyTransport) {
  describe(`${transport}: closeTimeout`, () => {
    test('ends a peer that reads nothing, with ErrTimeout', async (t) => {
      const handler: EventHandler = {
        react(_frame, c) {
          c.asyncWrite(large);
          c.close();
        },
      };
      const rig = await startRig(t, handler, { closeTimeout: 100 }, freeAddress(t, transport));
      const client = await connect(t, rig);
      client.pauseReading();
      client.write('go');
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
      assert.ok(rig.closeErrors[0] instanceof ErrTimeout);
      assert.match(
        rig.closeErrors[0].message,
        /[1-9]\d* bytes did not reach it; raise closeTimeout/,
      );
    });

    test('a peer that got everything and never ends is no error', async (t) => {
      const handler: EventHandler = {
        react(_frame, c) {
          c.close();
          return 'bye';
        },
      };
      const rig = await startRig(t, handler, { closeTimeout: 100 }, freeAddress(t, transport));
      const client = await connect(t, rig);
      client.write('go');
      assert.equal(text(await client.readUntilEnd()), 'bye');
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });

    test('a stop does not wait longer for a peer that half-closed and reads nothing', async (t) => {
      const options = { closeTimeout: 100 };
      const rig = await startRig(t, { react: () => large }, options, freeAddress(t, transport));
      const client = await connect(t, rig);
      client.pauseReading();
      client.write('go');
      client.end();
      await waitUntil(
        () => (rig.server.stats().loops[0]?.bytesSent ?? 0) > 65_536,
        'the answer begun',
      );
      await rig.server.stop({ timeout: 600_000 });
      assert.deepEqual(rig.events.slice(2), ['closed(ErrTimeout)', 'shutdown']);
    });

    test('a slow reader has as long as it goes on', async (t) => {
      await unlessHeldUp(300, async () => {
        const handler: EventHandler = {
          react(_frame, c) {
            c.asyncWrite(large);
            c.close();
          },
        };
        const rig = await startRig(t, handler, { closeTimeout: 700 }, freeAddress(t, transport));
        const client = await connect(t, rig);
        client.pauseReading();
        client.write('go');
        await readSlowly(client, 50);
        assertSameBytes(client.take(), large);
        client.end();
        await waitUntil(() => rig.events.length === 3, 'onClosed');
        assert.deepEqual(rig.events, ['init', 'open', 'closed']);
      });
    });
  });

  describe(`${transport}: writeTimeout`, () => {
    test('ends a peer that reads nothing, with ErrTimeout', async (t) => {
      const options = { writeTimeout: 100 };
      const rig = await startRig(t, { react: () => large }, options, freeAddress(t, transport));
      const client = await connect(t, rig);
      client.pauseReading();
      client.write('go');
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
      assert.match(String(rig.closeErrors[0]?.message), /writeTimeout/);
    });

    test('counts from the first byte that the kernel refuses, though no more is written', async (t) => {
      const options = { writeTimeout: 300, socketSendBuffer: 200_000 };
      const { rig, c, client } = await pair(t, {}, options, freeAddress(t, transport));
      client.pauseReading();
      await fill(c);
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
    });

    test('is not put off by those who ask again and again whether the kernel has everything', async (t) => {
      const options = { writeTimeout: 300, socketSendBuffer: 200_000 };
      const { rig, c, client } = await pair(t, {}, options, freeAddress(t, transport));
      client.pauseReading();
      await fill(c);
      while (rig.events.length === 2) {
        c.flushWrite('').catch(() => {});
        await settle(5);
      }
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
    });

    test('counts for what goes out before the end of our side', async (t) => {
      const options = { writeTimeout: 300, socketSendBuffer: 200_000, allowHalfOpen: true };
      const before = await pair(t, {}, options, freeAddress(t, transport));
      before.client.pauseReading();
      const writes = await fill(before.c);
      // As much as the kernel took, and then more than it takes, which a driver takes with the end.
      for (let last = 4; last < 20; last++) {
        const { rig, c, client } = await pair(t, {}, options, freeAddress(t, transport));
        client.pauseReading();
        await fill(c, writes - 1);
        for (let count = 0; count < last; count++) c.asyncWrite(little);
        c.end();
        await waitUntil(() => rig.events.length === 3 || hasEverything(c), 'onClosed');
        if (rig.events.length === 2) continue; // it had room for more this time
        assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
        assert.match(String(rig.closeErrors[0]?.message), /writeTimeout/);
        return;
      }
      assert.fail('the kernel takes everything');
    });

    test('a slow reader has as long as it goes on; an idle one is left alone', async (t) => {
      await unlessHeldUp(300, async () => {
        const options = { writeTimeout: 700 };
        const rig = await startRig(t, { react: () => large }, options, freeAddress(t, transport));
        const client = await connect(t, rig);
        client.write('go');
        client.pauseReading();
        const reading = readSlowly(client, 50);
        await waitUntil(() => client.receivedBytes === large.length, 'everything');
        assertSameBytes(client.take(), large);
        await settle(800);
        assert.equal(rig.server.countConnections(), 1);
        client.end();
        await reading;
      });
    });
  });

  describe(`${transport}: idleTimeout`, () => {
    test('ends a silent peer, with ErrTimeout', async (t) => {
      const rig = await startRig(t, {}, { idleTimeout: 60 }, freeAddress(t, transport));
      await connect(t, rig);
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
      assert.match(String(rig.closeErrors[0]?.message), /idleTimeout/);
    });

    test('leaves a peer alone that sends, or is sent to', async (t) => {
      await unlessHeldUp(150, async () => {
        const connections: Conn[] = [];
        const handler: EventHandler = { onOpened: (c) => void connections.push(c) };
        const rig = await startRig(t, handler, { idleTimeout: 400 }, freeAddress(t, transport));
        const sender = await connect(t, rig);
        await waitUntil(() => connections.length === 1, 'the sender');
        const receiver = await connect(t, rig);
        await waitUntil(() => connections.length === 2, 'the receiver');
        for (let round = 0; round < 20; round++) {
          sender.write('x');
          connections[1]?.asyncWrite('y');
          await settle(40);
        }
        assert.deepEqual(rig.events, ['init', 'open', 'open']);
        assert.equal(text(await receiver.readExactly(20)), 'y'.repeat(20));
        await waitUntil(() => rig.events.length === 5, 'both are idle now');
        assert.deepEqual(rig.events.slice(3), ['closed(ErrTimeout)', 'closed(ErrTimeout)']);
      });
    });
  });
}

describe('time limits of one connection', () => {
  test('setTimeouts replaces those of the server, and 0 switches one off', async (t) => {
    await unlessHeldUp(150, async () => {
      const handler: EventHandler = {
        react(frame, c) {
          c.setTimeouts({ idleTimeout: frame?.toString() === 'off' ? 0 : 30 });
          return frame;
        },
      };
      const rig = await startRig(t, handler, { idleTimeout: 400 });
      const [client, other] = [await connect(t, rig), await connect(t, rig)];
      client.write('off');
      await client.readExactly(3);
      other.write('on');
      await waitUntil(() => rig.events.includes('closed(ErrTimeout)'), 'the short limit');
      await settle(500);
      assert.equal(rig.server.countConnections(), 1);
    });
  });

  test('a handler that runs when the peer ends has the whole closeTimeout', async (t) => {
    const handler: EventHandler = {
      async react() {
        await settle(100);
        return 'done';
      },
    };
    const rig = await startRig(t, handler, { closeTimeout: 1_000 });
    const client = await connect(t, rig);
    // The connection is older than the limit when the peer ends: the limit counts from the end.
    await settle(1_100);
    client.write('go');
    client.end();
    assert.equal(text(await client.readUntilEnd()), 'done');
    await waitUntil(() => rig.events.length === 3, 'onClosed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed']);
  });

  test('a handler that never settles holds up neither the end of its peer nor a stop', async (t) => {
    let called = 0;
    const react = (): Promise<never> => {
      called++;
      return new Promise(() => {});
    };
    const rig = await startRig(t, { react });
    const client = await connect(t, rig);
    client.write('go');
    client.end();
    await waitUntil(() => called === 1, 'react');
    assert.deepEqual(await rig.server.stop({ timeout: 600_000 }), { forced: 0 });
    assert.equal((await client.readUntilEnd()).length, 0);
    assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
  });

  test('stop forces those that are open at its timeout, and says how many', async (t) => {
    const rig = await startRig(t, { react: () => large }, { closeTimeout: 0 });
    const clients = [await connect(t, rig), await connect(t, rig), await connect(t, rig)];
    for (const client of clients.slice(1)) {
      client.pauseReading();
      client.write('go');
    }
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesSent ?? 0) > 0, 'bytes on their way');
    clients[0]?.end();
    await clients[0]?.readUntilEnd();
    const { forced, undone } = await rig.server.stop({ timeout: 50 });
    assert.equal(forced, 2);
    assert.ok((undone?.unsentBytes ?? 0) > 0, 'and what they had not taken');
    const over = 'closed(ErrServerInShutdown)';
    assert.deepEqual(rig.events.slice(-3), [over, over, 'shutdown']);
    assert.match(String(rig.closeErrors.at(-1)?.message), /[1-9]\d* bytes did not reach it/);
  });

  test('a signal forces a stop at once; a second stop gives the same result', async (t) => {
    const rig = await startRig(t, {}, { closeTimeout: 0 });
    await connect(t, rig);
    await waitUntil(() => rig.server.countConnections() === 1, 'the connection');
    const controller = new AbortController();
    const stopped = rig.server.stop({ timeout: 600_000, signal: controller.signal });
    await settle(20);
    controller.abort();
    assert.deepEqual(await stopped, { forced: 1 });
    assert.deepEqual(await rig.server.stop(), { forced: 1 });
    assert.deepEqual(await rig.server.close(), { forced: 1 });
  });
});
