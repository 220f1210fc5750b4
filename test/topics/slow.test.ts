/** What becomes of messages for subscribers that take less than comes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Conn, FixedLengthFrameCodec } from 'gnet';
import { type Topics, type TopicsOptions, topics } from 'gnet/topics';
import { connect, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWs, wsClient } from '../websocket/ws-rig.ts';

const LENGTH = 50_000;
/** Little is pending before a subscriber is slow. */
const flow = { highWaterMark: 10_000, lowWaterMark: 1_000, socketSendBuffer: 4_096 };

/** A message of `LENGTH` bytes that begins with its number. */
function numbered(number: number): string {
  return String(number).padEnd(LENGTH, '.');
}

function hubOf(t: TestScope, name: string, options: TopicsOptions): Topics {
  const hub = topics(name, options);
  t.after(() => hub.close());
  return hub;
}

/** A server whose connections get what is published under `x`. */
async function startSubscribers(t: TestScope, hub: Topics) {
  const conns: Conn[] = [];
  const rig = await startRig(
    t,
    {
      onOpened(c) {
        conns.push(c);
        hub.subscribe(c, 'x');
      },
      onClosed: (c) => hub.leave(c),
    },
    flow,
  );
  return { rig, conns };
}

/** Publishes numbered messages until this holds; returns how many. */
async function publishUntil(hub: Topics, holds: () => boolean, from = 0): Promise<number> {
  let count = from;
  while (!holds()) {
    assert.ok(count < from + 2_000, 'it is never slow');
    hub.publish('x', numbered(count++));
    // The loop sends.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return count;
}

/** Increasing numbers, of which these many are missing, up to the last one. */
function assertGap(numbers: readonly number[], published: number, missing: number): void {
  assert.equal(numbers.at(-1), published - 1);
  assert.equal(numbers.length, published - missing);
  for (const [index, number] of numbers.entries()) {
    if (index > 0) assert.ok(number > (numbers[index - 1] as number), `${numbers}`);
  }
}

describe('drop-oldest', () => {
  for (const [what, limits, kept] of [
    ['messages', { pendingMessagesMax: 5 }, 5],
    ['bytes', { pendingBytesMax: 3.5 * LENGTH }, 3],
    ['bytes that one message exceeds', { pendingBytesMax: 1 }, 1],
  ] as const) {
    test(`a slow connection misses the older messages: so many ${what}`, async (t) => {
      const hub = hubOf(t, `oldest ${what}`, { slow: 'drop-oldest', ...limits });
      const { rig } = await startSubscribers(t, hub);
      const stuck = await connect(t, rig);
      stuck.pauseReading();
      await waitUntil(() => hub.count('x') === 1, 'it is there');
      const published = await publishUntil(hub, () => hub.skipped >= 10);
      const { skipped } = hub;
      stuck.resumeReading();
      const numbers: number[] = [];
      while (numbers.length < published - skipped) {
        numbers.push(Number.parseInt(String(await stuck.readExactly(LENGTH)), 10));
      }
      assertGap(numbers, published, skipped);
      // The newest in one row.
      assert.equal(numbers.at(-kept), published - kept);
      assert.notEqual(numbers.at(-kept - 1), published - kept - 1);
      // It has caught up.
      hub.publish('x', numbered(published));
      assert.equal(String(await stuck.readExactly(LENGTH)), numbered(published));
      assert.equal(hub.skipped, skipped);
    });
  }

  test('a slow WebSocket does, too, and one that leaves is forgotten', async (t) => {
    const hub = hubOf(t, 'oldest ws', { slow: 'drop-oldest', pendingMessagesMax: 5 });
    const rig = await startWs(
      t,
      {
        open: (ws) => hub.subscribe(ws, 'x'),
        close: (ws) => hub.leave(ws),
      },
      flow,
    );
    const [stuck, leaver] = [await wsClient(t, rig.url), await wsClient(t, rig.url)];
    const numbers: number[] = [];
    stuck.on('message', (data) => numbers.push(Number.parseInt(String(data), 10)));
    stuck.pause();
    leaver.pause();
    await waitUntil(() => hub.count('x') === 2, 'both');
    await publishUntil(hub, () => hub.skipped >= 20);
    leaver.terminate();
    await waitUntil(() => hub.count('x') === 1, 'one has left');
    stuck.resume();
    const last = 100_000;
    hub.publish('x', numbered(last));
    await waitUntil(() => numbers.at(-1) === last, 'the last');
    for (const [index, number] of numbers.entries()) {
      if (index > 0) assert.ok(number > (numbers[index - 1] as number), `${numbers}`);
    }
    assert.deepEqual(rig.errors, []);
  });
});

describe('pause', () => {
  test('publishers of all loops wait while a subscriber is slow, and until it is not', async (t) => {
    const here = hubOf(t, 'pause', { slow: 'pause' });
    // As of another loop.
    const there = hubOf(t, 'pause', { slow: 'pause' });
    const { rig } = await startSubscribers(t, here);
    const stuck = await connect(t, rig);
    await waitUntil(() => here.count('x') === 1, 'it is there');
    assert.equal(here.ready('x'), undefined);
    stuck.pauseReading();
    const published = await publishUntil(here, () => here.ready('x') !== undefined);
    await waitUntil(() => there.ready('x') !== undefined, 'the other loop knows');
    assert.equal(here.ready('y'), undefined);
    assert.equal(there.ready('y'), undefined);
    const waiting = Promise.all([here.ready('x'), there.ready('x')]);
    stuck.resumeReading();
    await waiting;
    assert.equal(here.skipped, 0);
    await stuck.readExactly(published * LENGTH);
    await waitUntil(() => there.ready('x') === undefined, 'it goes on');
    // One that is slow and goes, or whose hub ends, holds nobody up.
    stuck.pauseReading();
    await publishUntil(here, () => here.ready('x') !== undefined);
    const gone = here.ready('x');
    stuck.destroy();
    await gone;
    const other = await connect(t, rig);
    await waitUntil(() => here.count('x') === 1, 'another one');
    other.pauseReading();
    await publishUntil(here, () => here.ready('x') !== undefined);
    await waitUntil(() => there.ready('x') !== undefined, 'the other loop knows');
    const ended = Promise.all([here.ready('x'), there.ready('x')]);
    await here.close();
    await ended;
  });

  test('a publisher whose event returns `ready` is read as fast as the slowest takes', async (t) => {
    const hub = hubOf(t, 'publisher', { slow: 'pause' });
    const { rig, conns } = await startSubscribers(t, hub);
    let most = 0;
    const publishers = await startRig(
      t,
      {
        react(frame) {
          hub.publish('x', frame as Buffer);
          most = Math.max(most, conns[0]?.outboundBuffered() ?? 0);
          return hub.ready('x');
        },
      },
      { codec: new FixedLengthFrameCodec(LENGTH) },
    );
    const slow = await connect(t, rig);
    await waitUntil(() => hub.count('x') === 1, 'it is there');
    slow.pauseReading();
    const publisher = await connect(t, publishers);
    const count = 200;
    for (let number = 0; number < count; number++) publisher.write(numbered(number));
    await waitUntil(() => hub.ready('x') !== undefined, 'it waits');
    slow.resumeReading();
    for (let number = 0; number < count; number++) {
      assert.equal(String(await slow.readExactly(LENGTH)), numbered(number));
    }
    assert.ok(most <= flow.highWaterMark + LENGTH, String(most));
  });

  test('a loop that has died holds nobody up', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const hub = hubOf(t, 'dead', { slow: 'pause' });
    const dead = new BroadcastChannel('gnet topics dead');
    t.after(() => dead.close());
    dead.postMessage({ pressure: { loop: 'dead', full: ['x'] } });
    await waitUntil(() => hub.ready('x') !== undefined, 'it is heard');
    const waiting = hub.ready('x');
    t.mock.timers.tick(3_000);
    assert.notEqual(hub.ready('x'), undefined);
    t.mock.timers.tick(1_000);
    assert.equal(hub.ready('x'), undefined);
    await waiting;
  });
});

test('a codec that refuses a message keeps it from no other subscriber', async (t) => {
  const errors: unknown[] = [];
  const hub = hubOf(t, 'codec', { onError: (error) => errors.push(error) });
  const subscribe = {
    onOpened: (c: Conn) => hub.subscribe(c, 'x'),
    onClosed: (c: Conn) => hub.leave(c),
  };
  const strict = await startRig(t, subscribe, { codec: new FixedLengthFrameCodec(4) });
  const plain = await startRig(t, subscribe);
  const refuses = await connect(t, strict);
  await waitUntil(() => hub.count('x') === 1, 'the first');
  const takes = await connect(t, plain);
  await waitUntil(() => hub.count('x') === 2, 'both');
  assert.equal(hub.publish('x', 'seven77'), 1);
  assert.equal(String(await takes.readExactly(7)), 'seven77');
  assert.equal(errors.length, 1);
  assert.equal(hub.publish('x', 'four'), 2);
  assert.equal(String(await refuses.readExactly(4)), 'four');
});

test('policies and limits that are none are refused', () => {
  assert.throws(() => topics('x', { slow: 'wait' as never }), TypeError);
  for (const pendingMessagesMax of [0, Number.NaN, -1, '5' as never]) {
    const options = { slow: 'drop-oldest', pendingMessagesMax } as const;
    assert.throws(() => topics('x', options), RangeError);
  }
});
