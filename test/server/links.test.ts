/** Connections that come back: `client.link`, `client.pool`, and `reconnect` for what is dialled. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Conn,
  ErrInvalidOption,
  ErrInvalidReply,
  ErrServerInShutdown,
  type EventHandler,
  type Link,
  LineBasedFrameCodec,
  type LinkOptions,
  serve,
} from 'gnet';
import { delayBefore, reconnectPolicy } from '../../src/server/reconnecting.ts';
import { deadAddress, startClient } from '../support/client-rig.ts';
import { codeOf, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const soon = { minDelay: 1, maxDelay: 20 };
const codec = new LineBasedFrameCodec();

/** Writes down the lines that it gets, and has its connections at hand. */
class Upstream implements EventHandler {
  readonly lines: string[] = [];
  readonly conns: Conn[] = [];
  onOpened(c: Conn): void {
    this.conns.push(c);
  }
  react(frame: Buffer | null, _c: Conn): string | void {
    this.lines.push(String(frame));
  }
  get last(): Conn {
    return this.conns.at(-1) as Conn;
  }
}

async function linked(t: TestScope, upstream: Upstream, options: LinkOptions = {}) {
  const { server } = await startRig(t, upstream, { codec });
  const { client, reports } = await startClient(t, {}, { codec });
  const link = client.link(`tcp://${server.addr}`, { reconnect: soon, ...options });
  await waitUntil(() => link.conn !== null && upstream.conns.length === 1, 'the link');
  return { link, client, server, reports };
}

describe('waits', () => {
  const policy = reconnectPolicy({ minDelay: 100, maxDelay: 1_000, jitter: 0.5 });
  test('grow up to a limit, less a share that is left to chance', () => {
    const whole = [1, 2, 3, 4, 5, 60].map((attempt) => delayBefore(attempt, policy, () => 0));
    assert.deepEqual(whole, [100, 200, 400, 800, 1_000, 1_000]);
    assert.equal(
      delayBefore(2, policy, () => 1),
      100,
    );
    assert.equal(
      delayBefore(2, policy, () => 0.5),
      150,
    );
  });

  test('of options that mean nothing are refused', async (t) => {
    const { client } = await startClient(t);
    for (const reconnect of [
      { minDelay: 0 },
      { factor: 0.5 },
      { jitter: 2 },
      { limit: -1 },
      { delay: 1 },
      5,
    ]) {
      assert.throws(
        () => client.link('tcp://:1', { reconnect: reconnect as never }),
        ErrInvalidOption,
      );
      await assert.rejects(startClient(t, {}, { reconnect: reconnect as never }), ErrInvalidOption);
    }
    for (const options of [{ whileDown: 'drop' }, { maxKept: 0 }, { confirm: 1 }]) {
      assert.throws(() => client.link('tcp://:1', options as never), ErrInvalidOption);
    }
  });
});

describe('a link', () => {
  test('comes back, keeps what was written meanwhile, and its context', async (t) => {
    const upstream = new Upstream();
    const attempts: number[] = [];
    const meanwhile: unknown[] = [];
    const { link } = await linked(t, upstream, {
      context: 'first',
      handler: {
        // Nothing else is sure to come before it is up again.
        onClosed() {
          if (meanwhile.length > 0) return;
          meanwhile.push(link.conn, link.write('two'), link.write(Buffer.from('three')));
          meanwhile.push(link.pendingMessages, link.pendingBytes);
        },
      },
      reconnect: {
        ...soon,
        onReconnect: (c, count) => void attempts.push(count, Number(c.context === 'mine')),
      },
    });
    assert.equal(link.conn?.context, 'first');
    if (link.conn !== null) link.conn.context = 'mine';
    assert.equal(link.write('one'), true);
    await waitUntil(() => upstream.lines.length === 1, 'the first');
    upstream.last.reset();
    await waitUntil(() => upstream.lines.length === 3, 'the rest');
    assert.deepEqual(meanwhile, [null, true, true, 2, 8]);
    assert.deepEqual(upstream.lines, ['one', 'two', 'three']);
    assert.deepEqual([link.reconnects, link.pendingMessages, link.pendingBytes], [1, 0, 0]);
    assert.deepEqual(attempts, [1, 1]);
  });

  test('sends what was written before it was ever up, behind the answer of onOpened', async (t) => {
    const upstream = new Upstream();
    const { server } = await startRig(t, upstream, { codec });
    const { client } = await startClient(t, {}, { codec });
    const handler: EventHandler = {
      async onOpened() {
        await new Promise(setImmediate);
        return 'hello\n';
      },
    };
    const link = client.link(`tcp://${server.addr}`, { handler });
    link.write('first');
    await waitUntil(() => upstream.lines.length === 2, 'both');
    assert.deepEqual(upstream.lines, ['hello', 'first']);
  });

  test('refuses what is too much, and everything while it is down where that is asked for', async (t) => {
    const upstream = new Upstream();
    const { client } = await startClient(t, {}, { codec });
    const dead = `tcp://${await deadAddress()}`;
    const keeping = client.link(dead, { maxKept: 300, reconnect: soon });
    assert.deepEqual(
      ['12345', '12345', '1'].map((data) => keeping.write(data)),
      [true, true, false],
    );
    // What is empty costs something, too.
    const empty = client.link(dead, { maxKept: 300, reconnect: soon });
    assert.deepEqual(
      ['', '', ''].map((data) => empty.write(data)),
      [true, true, false],
    );
    const long = client.link(dead, { maxKept: 1, reconnect: soon });
    assert.deepEqual([long.write('a long one'), long.write('')], [true, false]);
    const refusing = client.link(dead, { whileDown: 'refuse', reconnect: soon });
    assert.equal(refusing.write('x'), false);
    assert.throws(() => keeping.write(5 as never), ErrInvalidReply);
    assert.equal(upstream.lines.length, 0);
  });

  test('is given up after its limit, with the last error', async (t) => {
    const { client, reports } = await startClient(t);
    const link = client.link(`tcp://${await deadAddress()}`, { reconnect: { ...soon, limit: 3 } });
    assert.equal(codeOf(await link.closed), 'ECONNREFUSED');
    assert.deepEqual([link.isOver, link.write('x'), reports.length], [true, false, 2]);
  });

  test('stays closed when the program closed it, by itself or by its connection', async (t) => {
    for (const how of ['link', 'conn', 'client'] as const) {
      const upstream = new Upstream();
      const { link, client } = await linked(t, upstream);
      link.write('first');
      if (how !== 'link') await waitUntil(() => upstream.lines.length === 1, 'the first');
      link.write('last');
      if (how === 'link') await link.close();
      else if (how === 'conn') link.conn?.close();
      else await client.stop();
      assert.equal(await link.closed, undefined);
      await waitUntil(() => upstream.lines.length === 2, how);
      assert.deepEqual([link.isOver, link.conn, upstream.conns.length], [true, null, 1], how);
    }
  });

  test('of a client that is stopped cannot be made', async (t) => {
    const { client } = await startClient(t);
    const link = client.link(`tcp://${await deadAddress()}`, { reconnect: { minDelay: 60_000 } });
    await client.stop();
    assert.equal(await link.closed, undefined);
    assert.throws(() => client.link('tcp://:1'), ErrServerInShutdown);
  });

  test('drops a message that cannot be encoded, and goes on', async (t) => {
    const upstream = new Upstream();
    const { link, reports } = await linked(t, upstream, {
      handler: {
        onOpened: (c) =>
          c.setCodec({
            encode(_c, bytes) {
              if (String(bytes) === 'bad') throw new Error('bad');
              return Buffer.concat([bytes, Buffer.from('\n')]);
            },
            decode: () => null,
          }),
      },
    });
    for (const line of ['good', 'bad', 'better']) link.write(line);
    await waitUntil(() => upstream.lines.length === 2, 'the good ones');
    assert.deepEqual(upstream.lines, ['good', 'better']);
    assert.equal(reports.length, 1);
    assert.equal(link.pendingMessages, 0);
  });
});

test('confirm refuses what is no number of messages', async (t) => {
  const { link } = await linked(t, new Upstream(), { confirm: true });
  for (const line of ['one', 'two', 'three', 'four']) link.write(line);
  for (const count of [Number.NaN, -1, 1.5, '1']) {
    assert.throws(() => link.confirm(count as number), ErrInvalidOption, String(count));
  }
  link.confirm(0);
  assert.equal(link.pendingMessages, 4);
  link.confirm();
  assert.equal(link.pendingMessages, 3);
  link.confirm(Infinity);
  assert.equal(link.pendingMessages, 0);
});

test('with confirm, ten cuts in the middle of the stream lose nothing', async (t) => {
  const total = 2_000;
  const cuts = 10;
  const seen = new Set<number>();
  let cutsMade = 0;
  // An upstream that confirms each line, and now and then breaks off without having read all.
  const upstream: EventHandler = {
    react(frame, c) {
      if (frame === null) return;
      if (seen.size > (cutsMade + 1) * 150 && cutsMade < cuts) {
        cutsMade++;
        c.reset();
        return;
      }
      seen.add(Number(String(frame)));
      return 'ok';
    },
  };
  const { server } = await startRig(t, upstream, { codec });
  const { client } = await startClient(t, {}, { codec });
  const link: Link = client.link(`tcp://${server.addr}`, {
    confirm: true,
    reconnect: soon,
    handler: { react: () => link.confirm() },
  });
  for (let count = 0; count < total; count++) {
    assert.equal(link.write(String(count)), true);
    if (count % 100 === 0) await new Promise(setImmediate);
  }
  await waitUntil(() => link.pendingMessages === 0, 'everything is confirmed');
  assert.deepEqual([cutsMade, link.reconnects, seen.size], [cuts, cuts, total]);
});

test('what the peer says before it was sent anything confirms nothing', async (t) => {
  const seen: string[] = [];
  const upstream: EventHandler = {
    onOpened: () => 'welcome\n',
    react(frame) {
      seen.push(String(frame));
      return 'ok';
    },
  };
  const { server } = await startRig(t, upstream, { codec });
  const { client } = await startClient(t, {}, { codec });
  const heard: string[] = [];
  const link: Link = client.link(`tcp://${server.addr}`, {
    confirm: true,
    handler: {
      async onOpened() {
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
      react(frame) {
        heard.push(String(frame));
        link.confirm(5);
      },
    },
  });
  for (const line of ['one', 'two']) link.write(line);
  await waitUntil(() => heard.length === 3 && link.pendingMessages === 0, 'both are confirmed');
  assert.deepEqual(seen, ['one', 'two']);
});

test('dial with the option reconnect: what is dialled comes back', async (t) => {
  const upstream = new Upstream();
  const { server } = await startRig(t, upstream, { codec });
  const { client, events } = await startClient(t, {}, { codec, reconnect: soon });
  await assert.rejects(client.dial(`tcp://${await deadAddress()}`), { code: 'ECONNREFUSED' });
  const c = await client.dial(`tcp://${server.addr}`, { context: 5 });
  await waitUntil(() => upstream.conns.length === 1, 'the call');
  upstream.last.close();
  await waitUntil(() => events.filter((event) => event === 'open').length === 2, 'it is back');
  const [again] = [...(client.loops[0]?.connections() ?? [])];
  assert.notEqual(again, c);
  assert.equal(again?.context, 5);
  again?.close();
  await waitUntil(() => client.countConnections() === 0, 'the end');
});

describe('a pool', () => {
  test('spreads work over its links, to the least busy', async (t) => {
    const upstream = new Upstream();
    const { server } = await startRig(t, upstream, { codec });
    const { client } = await startClient(t, {}, { codec });
    const pool = client.pool(`tcp://${server.addr}`, { size: 3, confirm: true, reconnect: soon });
    await waitUntil(() => upstream.conns.length === 3, 'the links');
    await waitUntil(() => pool.links.every(({ conn }) => conn !== null), 'the links are up');
    for (let count = 0; count < 6; count++) pool.write(String(count));
    assert.deepEqual(
      pool.links.map(({ pendingMessages }) => pendingMessages),
      [2, 2, 2],
    );
    pool.links[1]?.confirm(2);
    assert.equal(pool.pick(), pool.links[1]);
    await pool.links[1]?.close();
    assert.notEqual(pool.pick(), pool.links[1]);
    await pool.close();
    assert.ok(pool.links.every(({ isOver }) => isOver));
    assert.throws(() => client.pool('tcp://:1', { size: 0 }), ErrInvalidOption);
  });
});

test('a link over a Unix socket, to a server that comes later', async (t) => {
  const upstream = new Upstream();
  const address = `unix://@gnet-link-${process.pid}`;
  const { client } = await startClient(t, {}, { codec });
  const link = client.link(address, { reconnect: soon });
  link.write('early');
  const server = await serve(upstream, address, { codec });
  t.after(() => server.close());
  await waitUntil(() => upstream.lines.length === 1, 'the line');
});
