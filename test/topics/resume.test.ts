/** What was stored comes once, as fast as it is taken; what waits for a subscriber is bounded. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conn } from 'gnet';
import { type Topics, type TopicsOptions, topics } from 'gnet/topics';
import type { WebSocketConn } from 'gnet/websocket';
import { connect, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWs, wsClient } from '../websocket/ws-rig.ts';
import { FakeBroker } from './fake-broker.ts';

const LENGTH = 50_000;
/** Little is pending before a subscriber is slow. */
const flow = { highWaterMark: 10_000, lowWaterMark: 1_000, socketSendBuffer: 4_096 };

const numbered = (number: number): string => String(number).padEnd(LENGTH, '.');

function hubOf(t: TestScope, name: string, options: TopicsOptions): Topics {
  const hub = topics(name, options);
  t.after(() => hub.close());
  return hub;
}

/** A client, and its connection on the server; its program does not call `leave`. */
async function startPair(t: TestScope) {
  const conns: Conn[] = [];
  const closed: Conn[] = [];
  const rig = await startRig(
    t,
    { onOpened: (c) => void conns.push(c), onClosed: (c) => void closed.push(c) },
    flow,
  );
  const client = await connect(t, rig);
  await waitUntil(() => conns.length === 1, 'it is there');
  return { client, conn: conns[0] as Conn, closed };
}

describe('resume', () => {
  test('gives as fast as it is taken, and keeps no more', async (t) => {
    const backplane = new FakeBroker();
    const count = 400;
    backplane.stored = Array.from({ length: count }, (_, index) => ['a', numbered(index)]);
    let encoded = 0;
    const encode = ({ data }: { readonly data: string | Uint8Array }) => {
      encoded++;
      return data;
    };
    const hub = hubOf(t, 'paced', { backplane, encode });
    const { client, conn } = await startPair(t);
    client.pauseReading();
    const resumed = hub.resume(conn, 'a', 0);
    backplane.replayed[0]?.();
    await waitUntil(() => conn.outboundBuffered() > 0, 'it is slow');
    assert.ok(backplane.given < count, `${backplane.given} were asked for`);
    assert.ok(encoded <= backplane.given, `${encoded} were encoded`);
    client.resumeReading();
    for (let number = 0; number < count; number++) {
      assert.equal(String(await client.readExactly(LENGTH)), numbered(number));
    }
    await resumed;
  });

  test('one that takes less than comes is disconnected', async (t) => {
    for (const what of ['stored', 'live'] as const) {
      const backplane = new FakeBroker();
      const piece = 'x'.repeat(1024 * 1024);
      if (what === 'stored') backplane.stored = Array(20).fill(['a', piece]);
      backplane.waits = false;
      const hub = hubOf(t, `bound ${what}`, { backplane });
      const { client, conn, closed } = await startPair(t);
      client.pauseReading();
      const resumed = hub.resume(conn, 'a', 0);
      if (what === 'stored') backplane.replayed[0]?.();
      else for (let count = 0; count < 20; count++) backplane.deliver('a', piece, 1);
      await waitUntil(() => closed.length === 1, 'it is disconnected');
      backplane.replayed[0]?.();
      await resumed;
      assert.equal(hub.publish('other', ''), 0);
    }
  });

  test('twice for one filter at the same time is once', async (t) => {
    const backplane = new FakeBroker();
    const hub = hubOf(t, 'twice', { backplane });
    const { client, conn } = await startPair(t);
    const both = Promise.all([hub.resume(conn, 'a', 0), hub.resume(conn, 'a', 0)]);
    backplane.deliver('a', '|live', 2);
    for (const go of backplane.replayed) go();
    await both;
    backplane.deliver('a', '|end', 3);
    assert.equal(String(await client.readExactly(15)), 'stored|live|end');
  });

  test('one that has unsubscribed meanwhile gets no more of it, and may begin again', async (t) => {
    const backplane = new FakeBroker();
    const hub = hubOf(t, 'again', { backplane });
    const { client, conn } = await startPair(t);
    const first = hub.resume(conn, 'a', 0);
    hub.unsubscribe(conn, 'a');
    const second = hub.resume(conn, 'a', 0);
    for (const go of backplane.replayed) go();
    await Promise.all([first, second]);
    backplane.deliver('a', '|end', 3);
    assert.equal(String(await client.readExactly(10)), 'stored|end');
  });

  test('one that has unsubscribed waits no longer for what came of other topics', async (t) => {
    const backplane = new FakeBroker();
    const hub = hubOf(t, 'unsubscribed', { backplane });
    const { client, conn } = await startPair(t);
    hub.subscribe(conn, 'b');
    const resumed = hub.resume(conn, 'a', 0);
    hub.publish('b', 'news');
    hub.unsubscribe(conn, 'a');
    assert.equal(String(await client.readExactly(4)), 'news');
    for (const go of backplane.replayed) go();
    await resumed;
  });

  test('what waits of other topics stays, in its order; what is stored comes once', async (t) => {
    const backplane = new FakeBroker();
    backplane.stored = [
      ['a', numbered(1)],
      ['a', numbered(2)],
    ];
    const hub = hubOf(t, 'backlog', { backplane, slow: 'drop-oldest' });
    const { client, conn } = await startPair(t);
    hub.subscribe(conn, 'a');
    hub.subscribe(conn, 'prices');
    client.pauseReading();
    let count = 0;
    while (conn.outboundBuffered() < flow.highWaterMark) {
      assert.ok(count < 2_000, 'it is never slow');
      hub.publish('prices', numbered(count++));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // These wait.
    hub.publish('prices', numbered(count++));
    backplane.deliver('a', numbered(2), 2);
    hub.publish('prices', numbered(count++));
    const resumed = hub.resume(conn, 'a', 0);
    hub.publish('prices', numbered(count++));
    backplane.replayed[0]?.();
    client.resumeReading();
    const got: number[] = [];
    while (got.length < count + 2) {
      got.push(Number.parseInt(String(await client.readExactly(LENGTH)), 10));
    }
    await resumed;
    const prices = Array.from({ length: count }, (_, index) => index);
    assert.deepEqual(got, [...prices.slice(0, -3), 1, 2, ...prices.slice(-3)]);
    assert.equal(hub.skipped, 0);
  });
});

describe('a subscriber that has gone', () => {
  test('is not subscribed, and one that nobody has told of is no subscriber', async (t) => {
    for (const slow of ['skip', 'drop-oldest', 'close', 'queue', 'pause'] as const) {
      const backplane = new FakeBroker();
      const hub = hubOf(t, `gone ${slow}`, { backplane, slow });
      const { client, conn, closed } = await startPair(t);
      hub.subscribe(conn, 'x');
      assert.equal(hub.publish('x', 'taken'), 1);
      await client.readExactly(5);
      client.destroy();
      await waitUntil(() => closed.length === 1, 'it has gone');
      assert.equal(hub.publish('x', 'not taken'), 0, slow);
      assert.equal(hub.count('x'), 0);
      hub.subscribe(conn, 'x');
      hub.subscribe(conn, '+');
      await hub.resume(conn, 'a', 0);
      assert.equal(hub.count('x'), 0);
    }
  });

  test('as a WebSocket, too', async (t) => {
    const hub = hubOf(t, 'gone ws', {});
    const opened: WebSocketConn[] = [];
    let isClosed = false;
    const rig = await startWs(t, {
      open(ws) {
        hub.subscribe(ws, 'x');
        opened.push(ws);
      },
      close: () => {
        isClosed = true;
      },
    });
    const client = await wsClient(t, rig.url);
    await waitUntil(() => opened.length === 1, 'it is there');
    assert.equal(hub.publish('x', 'taken'), 1);
    client.terminate();
    await waitUntil(() => isClosed, 'it has gone');
    hub.subscribe(opened[0] as WebSocketConn, 'b');
    assert.equal(hub.count('b'), 0);
    assert.equal(hub.publish('x', 'not taken'), 0);
    assert.equal(hub.count('x'), 0);
  });

  test('nor is anybody after the end', async (t) => {
    const hub = hubOf(t, 'ended', {});
    const { conn } = await startPair(t);
    await hub.close();
    hub.subscribe(conn, 'x');
    assert.equal(hub.count('x'), 0);
  });
});
