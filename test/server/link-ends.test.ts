/** How the connection of a link ends: by whom, under which handler, and with what it still had to send. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import { Action, type Conn, type EventHandler, LineBasedFrameCodec, type Link } from 'gnet';
import { createConnection, frames, toDuplex } from 'gnet/stream';
import { deadAddress, startClient } from '../support/client-rig.ts';
import { startRig, type TestScope } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const soon = { minDelay: 1, maxDelay: 20 };
const codec = new LineBasedFrameCodec();

/** Has its connections at hand. */
class Upstream implements EventHandler {
  readonly conns: Conn[] = [];
  onOpened(c: Conn): void {
    this.conns.push(c);
  }
}

async function startUpstream(t: TestScope) {
  const upstream = new Upstream();
  const { server } = await startRig(t, upstream, { codec });
  return { upstream, address: `tcp://${server.addr}` };
}

/** What replaces the handler of a connection. */
const takeovers: Record<string, (c: Conn) => void> = {
  setHandler: (c) => c.setHandler({}),
  toDuplex: (c) =>
    void toDuplex(c)
      .on('error', () => {})
      .resume(),
  async frames(c) {
    try {
      for await (const _ of frames(c));
    } catch {
      // It was reset.
    }
  },
};

describe('a link whose connection has another handler', () => {
  for (const [name, takeOver] of Object.entries(takeovers)) {
    for (const end of ['close', 'reset'] as const) {
      test(`comes back when its peer ends it: ${name}, ${end}`, async (t) => {
        const { upstream, address } = await startUpstream(t);
        const { client } = await startClient(t, {}, { codec });
        const handler: EventHandler = { onOpened: (c) => void takeOver(c) };
        const link = client.link(address, { reconnect: soon, handler });
        for (const count of [1, 2, 3]) {
          await waitUntil(() => upstream.conns.length === count, `connection ${count}`);
          await waitUntil(() => link.conn !== null && link.reconnects === count - 1, 'the link');
          upstream.conns.at(-1)?.[end]();
        }
        await waitUntil(() => upstream.conns.length === 4 && link.conn !== null, 'the last one');
        await link.close();
        assert.deepEqual([link.isOver, link.conn, link.reconnects], [true, null, 3]);
      });
    }

    test(`what is dialled with reconnect comes back, too: ${name}`, async (t) => {
      const { upstream, address } = await startUpstream(t);
      const { client, events } = await startClient(t, {}, { codec, reconnect: soon });
      takeOver(await client.dial(address));
      await waitUntil(() => upstream.conns.length === 1, 'the call');
      upstream.conns[0]?.close();
      await waitUntil(() => events.filter((event) => event === 'open').length === 2, 'it is back');
    });
  }

  test('ends when the program closes that', async (t) => {
    const { upstream, address } = await startUpstream(t);
    const { client } = await startClient(t, {}, { codec });
    for (const end of ['close', 'destroy', 'reset'] as const) {
      const link = client.link(address, { reconnect: soon });
      await waitUntil(() => link.conn !== null, 'the link');
      link.conn?.setHandler({});
      link.conn?.[end]();
      assert.equal(link.write('late'), false, end);
      assert.equal(await link.closed, undefined, end);
      assert.equal(link.isOver, true, end);
    }
    assert.equal(upstream.conns.length <= 3, true);
  });
});

test('the log says what a link did not send before its end', async (t) => {
  const { client, reports } = await startClient(t, {}, { codec });
  const link = client.link(`tcp://${await deadAddress()}`, { reconnect: { minDelay: 60_000 } });
  for (const line of ['one', 'two']) assert.ok(link.write(line));
  await link.close();
  await link.close();
  const [message, ...others] = reports
    .map(({ message }) => message)
    .filter((text) => text.includes('over'));
  assert.equal(message, `a link to ${link.address} is over; messages that were not sent: 2`);
  assert.deepEqual(others, []);
});

test('a link runs what it calls in the async context that it was made in', async (t) => {
  const { upstream, address } = await startUpstream(t);
  const { client } = await startClient(t, {}, { codec });
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const onReconnect = (): void => void seen.push(storage.getStore());
  const handler: EventHandler = {
    onOpened: () => void seen.push(storage.getStore()),
    onClosed: () => storage.enterWith('of an event'),
  };
  const link = storage.run('mine', () =>
    client.link(address, { handler, reconnect: { ...soon, onReconnect } }),
  );
  for (const count of [1, 2, 3]) {
    await waitUntil(() => upstream.conns.length === count && link.conn !== null, 'the link');
    upstream.conns.at(-1)?.reset();
    await waitUntil(() => link.reconnects === count, 'it is back');
  }
  assert.deepEqual(seen, Array(7).fill('mine'));
});

describe('a client that reconnects', () => {
  for (const end of ['close', 'reset'] as const) {
    test(`makes sockets that connect once: ${end}`, async (t) => {
      const { upstream, address } = await startUpstream(t);
      const { client } = await startClient(t, {}, { codec, reconnect: soon });
      const told: string[] = [];
      const [host, port] = address.slice('tcp://'.length).split(':');
      const socket = createConnection(client)({ host, port });
      for (const event of ['connect', 'close']) socket.on(event, () => void told.push(event));
      socket.on('error', () => {}).resume();
      await waitUntil(() => upstream.conns.length === 1, 'the call');
      upstream.conns[0]?.[end]();
      await waitUntil(() => told.includes('close'), 'the end');
      await settle();
      assert.deepEqual([told, upstream.conns.length], [['connect', 'close'], 1]);
    });
  }

  test('dials once where that is asked for, and another does not', async (t) => {
    const { upstream, address } = await startUpstream(t);
    const { client } = await startClient(t, {}, { codec, reconnect: soon });
    const { client: other } = await startClient(t, {}, { codec });
    await client.dial(address, { reconnect: false });
    await waitUntil(() => upstream.conns.length === 1, 'the call');
    upstream.conns[0]?.close();
    await waitUntil(() => client.countConnections() === 0, 'the end');
    await settle();
    assert.equal(upstream.conns.length, 1);
    await other.dial(address, { reconnect: soon });
    await waitUntil(() => upstream.conns.length === 2, 'the other one');
    upstream.conns[1]?.reset();
    await waitUntil(() => upstream.conns.length === 3, 'it is back');
  });
});

test('a link whose program closes it at the last word of its peer stays closed', async (t) => {
  const calls: Conn[] = [];
  const upstream: EventHandler = {
    onOpened(c) {
      calls.push(c);
      return ['bye\n', Action.Close];
    },
  };
  const { server } = await startRig(t, upstream, { codec });
  const { client } = await startClient(t, {}, { codec });
  const links = Array.from({ length: 10 }, () =>
    client.link(`tcp://${server.addr}`, {
      reconnect: soon,
      handler: { react: (_line, c) => c.close() },
    }),
  );
  await Promise.all(links.map(({ closed }) => closed));
  assert.deepEqual([calls.length, links.every(({ isOver }) => isOver)], [10, true]);
});

test('a link whose handler answers the end of the peer with a close comes back', async (t) => {
  const { upstream, address } = await startUpstream(t);
  const { client } = await startClient(t, {}, { codec, allowHalfOpen: true });
  const handler: EventHandler = { onEnd: (c) => c.close() };
  const link = client.link(address, { reconnect: soon, handler });
  await waitUntil(() => upstream.conns.length === 1, 'the link');
  upstream.conns[0]?.close();
  await waitUntil(() => upstream.conns.length === 2 && link.conn !== null, 'it is back');
  assert.equal(link.isOver, false);
});

describe('a program that closes the connection of a link', () => {
  const KiB = 1_024;
  const small = { highWaterMark: 64 * KiB, maxOutboundBytes: 256 * KiB };
  const ways = {
    'c.close()': (link: Link) => link.conn?.close(),
    'link.close()': (link: Link) => void link.close(),
    'Action.Close': (link: Link) => link.conn?.wake(),
  };
  for (const [name, close] of Object.entries(ways)) {
    for (const options of [{}, small, { ...small, overflow: 'close' as const }]) {
      const what = `${name}, ${JSON.stringify(options)}`;
      test(`sends what the link keeps, however much that is: ${what}`, async (t) => {
        let received = 0;
        let peer: Conn | undefined;
        const upstream: EventHandler = {
          onOpened(c) {
            peer = c;
            c.pauseRead();
          },
          react(line) {
            received += line?.length ?? 0;
          },
        };
        const { server } = await startRig(t, upstream, { codec });
        const { client } = await startClient(t, {}, { codec, ...options });
        const handler: EventHandler = { react: () => Action.Close };
        const link = client.link(`tcp://${server.addr}`, { reconnect: soon, handler });
        await waitUntil(() => link.conn !== null && peer !== undefined, 'the link');
        const message = Buffer.alloc(50_000, 'x');
        for (let count = 0; count < 300; count++) assert.ok(link.write(message));
        close(link);
        await waitUntil(() => link.pendingMessages < 300 || link.isOver, 'the kernel is full');
        peer?.resumeRead();
        assert.equal(await link.closed, undefined);
        await waitUntil(() => received >= 300 * 50_000, `every message: ${received}`);
        assert.deepEqual([received, link.pendingMessages], [300 * 50_000, 0]);
      });
    }
  }
});

test('a link whose program closes it at the end of its peer sends what it keeps first', async (t) => {
  let received = 0;
  const calls: Conn[] = [];
  const upstream: EventHandler = {
    onOpened(c) {
      calls.push(c);
      c.pauseRead();
    },
    react(line) {
      received += line?.length ?? 0;
    },
  };
  const { server } = await startRig(t, upstream, { codec, allowHalfOpen: true });
  const { client } = await startClient(t, {}, { codec });
  let ended = false;
  const handler: EventHandler = {
    onEnd() {
      ended = true;
      void link.close();
    },
  };
  const link = client.link(`tcp://${server.addr}`, { reconnect: soon, handler });
  await waitUntil(() => link.conn !== null && calls.length === 1, 'the link');
  const message = Buffer.alloc(50_000, 'x');
  for (let count = 0; count < 200; count++) assert.ok(link.write(message));
  calls[0]?.end();
  await waitUntil(() => ended, 'onEnd');
  calls[0]?.resumeRead();
  assert.equal(await link.closed, undefined);
  await waitUntil(() => received >= 200 * 50_000 || calls[0]?.isClosed === true, 'every message');
  assert.deepEqual([received, link.pendingMessages, calls.length], [200 * 50_000, 0, 1]);
});

describe('a link that its program closes inside onOpened', () => {
  type Opening = NonNullable<EventHandler['onOpened']>;
  const greeted = 'hello\n';
  /** Each answers with the greeting, and closes. */
  const openings: Record<string, (link: () => Link) => Opening> = {
    'link.close()': (link) => () => {
      void link().close();
      return greeted;
    },
    'c.close()': () => (c) => {
      c.close();
      return greeted;
    },
    'Action.Close': () => (c) => {
      c.writeNoCodec(greeted);
      return Action.Close;
    },
    'bytes and Action.Close': () => () => [greeted, Action.Close],
    'c.close(), and bytes and Action.Close': () => (c) => {
      c.close();
      return [greeted, Action.Close];
    },
  };
  for (const [name, opening] of Object.entries(openings)) {
    for (const isAsync of [false, true]) {
      test(`sends what it keeps, behind the answer: ${name}${isAsync ? ', async' : ''}`, async (t) => {
        const lines: string[] = [];
        let over = false;
        const upstream: EventHandler = {
          react: (line) => void lines.push(String(line)),
          onClosed() {
            over = true;
          },
        };
        const { server } = await startRig(t, upstream, { codec });
        const limits = { highWaterMark: 65_536, maxOutboundBytes: 262_144 };
        const { client } = await startClient(t, {}, { codec, ...limits });
        const onOpened = opening(() => link);
        const handler: EventHandler = {
          onOpened(c) {
            return isAsync ? settle().then(() => onOpened(c)) : onOpened(c);
          },
        };
        const link = client.link(`tcp://${server.addr}`, { reconnect: soon, handler });
        const messages = Array.from({ length: 40 }, (_, at) => `${at}`.padEnd(50_000, '.'));
        for (const message of messages) assert.ok(link.write(message));
        assert.equal(await link.closed, undefined);
        await waitUntil(() => over, 'the end');
        assert.deepEqual([lines.length, link.pendingMessages], [41, 0]);
        assert.deepEqual(lines, [greeted.trim(), ...messages]);
      });
    }
  }

  for (const name of ['link.close()', 'c.close()', 'bytes and Action.Close']) {
    test(`sends datagrams behind the answer, too: ${name}`, async (t) => {
      const datagrams: string[] = [];
      const upstream: EventHandler = { react: (frame) => void datagrams.push(String(frame)) };
      const { server } = await startRig(t, upstream, {}, 'udp://127.0.0.1:0');
      const { client } = await startClient(t);
      const handler: EventHandler = { onOpened: openings[name]?.(() => link) as Opening };
      const link = client.link(`udp://${server.addr}`, { reconnect: soon, handler });
      for (const message of ['one', 'two']) assert.ok(link.write(message));
      assert.equal(await link.closed, undefined);
      assert.equal(link.pendingMessages, 0);
      await waitUntil(() => datagrams.length === 3, `every datagram: ${datagrams.join()}`);
      assert.deepEqual(datagrams, [greeted, 'one', 'two']);
    });
  }
});
