/** Sessions of datagrams: of sockets that are dialled, and of peers of a server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Action, type Conn, type EventHandler } from 'gnet';
import { block } from '../support/block.ts';
import { rejection, startClient } from '../support/client-rig.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { codeOf, startRig, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const local = 'udp://127.0.0.1:0';
const echo: EventHandler = { react: (frame) => frame };

describe('dial of udp', () => {
  test('sends, hears its peer alone, and keeps its context', async (t) => {
    const rig = await startRig(t, echo, {}, local);
    const heard: string[] = [];
    const handler: EventHandler = {
      onOpened: () => 'first',
      react(frame, c) {
        heard.push(`${c.context} ${frame}`);
        return heard.length === 1 ? 'second' : null;
      },
      onClosed: (c) => void heard.push(`closed: ${c.isClosed}`),
    };
    const { client, events } = await startClient(t, handler);
    const c = await client.dial(`udp://${rig.server.addr}`, { context: 'mine' });
    assert.equal(c.remoteAddr, rig.server.addr);
    assert.match(c.localAddr, /^127\.0\.0\.1:\d+$/);
    assert.equal(client.stats().loops[0]?.datagramSessions, 1);
    await waitUntil(() => heard.length === 2, 'both echoes');
    assert.deepEqual(heard, ['mine first', 'mine second']);
    const stranger = await DatagramClient.open(t);
    await stranger.send(c.localAddr, 'not for you');
    assert.equal(c.sendTo('third'), true);
    await c.flushWrite('fourth');
    await waitUntil(() => heard.length === 4, 'the echo');
    assert.deepEqual(heard.slice(2), ['mine third', 'mine fourth']);
    assert.equal(c.isClosed, false);
    c.close();
    await waitUntil(() => events.includes('closed'), 'onClosed');
    assert.deepEqual([c.isClosed, heard.at(-1)], [true, 'closed: true']);
    assert.equal(c.sendTo('late'), false);
    await assert.rejects(c.flushWrite('late'), { code: 'ErrConnClosed' });
    assert.equal(client.stats().loops[0]?.datagramSessions, 0);
    assert.equal(client.countConnections(), 0);
  });

  test('hears in onError that nobody listens, and goes on', async (t) => {
    const gone = await startRig(t, echo, {}, local);
    const { addr } = gone.server;
    await gone.server.close();
    const errors: string[] = [];
    let heard = 0;
    const handler: EventHandler = {
      onError: (c, error) => void errors.push(`${codeOf(error)} ${c.remoteAddr}`),
      react: () => void heard++,
    };
    const { client, events } = await startClient(t, handler);
    const c = await client.dial(`udp://${addr}`);
    c.sendTo('anybody?');
    await waitUntil(() => errors.length > 0, 'onError');
    assert.equal(errors[0], `ECONNREFUSED ${addr}`);
    const back = await startRig(t, echo, {}, `udp://${addr}`);
    await waitUntil(() => {
      c.sendTo('and now?');
      return heard > 0;
    }, 'an answer on the same socket');
    assert.deepEqual(events, ['init', 'open'], 'it was never closed');
    await client.stop();
    assert.deepEqual(events, ['init', 'open', 'closed', 'shutdown']);
    await back.server.close();
  });

  test('a datagram that is too long is EMSGSIZE', async (t) => {
    const rig = await startRig(t, echo, {}, local);
    const errors: string[] = [];
    const handler: EventHandler = { onError: (_c, error) => void errors.push(codeOf(error)) };
    const { client } = await startClient(t, handler);
    const c = await client.dial(`udp://${rig.server.addr}`);
    assert.equal(c.sendTo(Buffer.alloc(65_508)), false);
    await waitUntil(() => errors.length === 1, 'onError');
    assert.deepEqual(errors, ['EMSGSIZE']);
    await assert.rejects(c.flushWrite(Buffer.alloc(65_508)), { code: 'EMSGSIZE' });
  });

  test('with a handler of its own, which closes it; what throws closes it, too', async (t) => {
    const rig = await startRig(t, echo, {}, local);
    const { client, events, reports } = await startClient(t, {});
    const seen: string[] = [];
    const own = (react: NonNullable<EventHandler['react']>): EventHandler => ({
      onOpened: () => 'hello',
      react,
      onClosed: (_c, error) => void seen.push(error === undefined ? 'closed' : codeOf(error)),
    });
    const address = `udp://${rig.server.addr}`;
    await client.dial(address, { handler: own(() => Action.Close) as EventHandler<never> });
    await waitUntil(() => seen.length === 1, 'the first onClosed');
    const thrower = own(() => {
      throw new Error('thrown');
    });
    await client.dial(address, { handler: thrower as EventHandler<never> });
    await waitUntil(() => seen.length === 2, 'the second onClosed');
    assert.deepEqual(seen, ['closed', 'ErrHandler']);
    assert.deepEqual(events, ['init'], 'not the client’s');
    assert.equal(reports.length, 1);
  });

  test('refuses what streams alone have, and addresses that cannot be', async (t) => {
    const { client } = await startClient(t, {});
    const refused = await rejection(client.dial('udp://127.0.0.1:9', { tls: true }));
    assert.equal(codeOf(refused), 'ErrUnsupportedOp');
    assert.equal(
      codeOf(await rejection(client.dial('udp://127.0.0.1:0'))),
      'ErrInvalidNetworkAddress',
    );
  });

  test('hundreds, one after the other, leave nothing open', async (t) => {
    const rig = await startRig(t, echo, {}, local);
    let heard = 0;
    const handler: EventHandler = {
      onOpened: () => 'x',
      react() {
        heard++;
        return Action.Close;
      },
    };
    const { client, events } = await startClient(t, handler);
    for (let round = 0; round < 5; round++) {
      const dials = Array.from({ length: 40 }, () => client.dial(`udp://${rig.server.addr}`));
      await Promise.all(dials);
      await waitUntil(() => heard === (round + 1) * 40, 'the answers');
    }
    await waitUntil(() => client.stats().loops[0]?.datagramSessions === 0, 'every end');
    assert.equal(events.filter((event) => event === 'closed').length, 200);
  });
});

describe('udpSessions', () => {
  test('counts idleTimeout from when a datagram was read, also behind a handler that blocked', async (t) => {
    let seen = 0;
    const ended: unknown[] = [];
    const handler: EventHandler = {
      react(frame) {
        seen++;
        // Whoever is first: the other one has its turn only when this returns.
        if (String(frame) === 'block' && seen === 3) block(1_500);
      },
      onClosed: (_c, error) => void ended.push(error),
    };
    const rig = await startRig(t, handler, { udpSessions: { idleTimeout: 1_000 } }, local);
    const { client } = await startClient(t);
    const address = `udp://${rig.server.addr}`;
    const peers = [await client.dial(address), await client.dial(address)];
    for (const peer of peers) peer.sendTo('open');
    await waitUntil(() => seen === 2, 'both sessions');
    for (const peer of peers) peer.sendTo('block');
    await waitUntil(() => seen === 4, 'both datagrams');
    await settle(100);
    assert.deepEqual(ended, []);
  });

  test('each peer has its context, from onOpened to onClosed', async (t) => {
    let closed = 0;
    const handler: EventHandler = {
      onOpened(c) {
        c.context = { address: c.remoteAddr, count: 0 };
      },
      react(frame, c) {
        const mine = c.context as { address: string; count: number };
        assert.equal(mine.address, c.remoteAddr);
        mine.count++;
        return String(frame) === 'bye' ? ['gone', Action.Close] : `${mine.count}`;
      },
      onClosed(c) {
        closed++;
        assert.ok(c.context, 'it is still there');
      },
    };
    const rig = await startRig(t, handler, { udpSessions: true }, local);
    const [one, other] = [await DatagramClient.open(t), await DatagramClient.open(t)];
    for (const expected of ['1', '2', '3']) {
      await one.send(rig.server.addr, 'x');
      assert.equal(text(await one.next()), expected);
    }
    await other.send(rig.server.addr, 'x');
    assert.equal(text(await other.next()), '1');
    assert.deepEqual(rig.events, ['init', 'open', 'open']);
    assert.equal(rig.server.stats().loops[0]?.datagramSessions, 2);
    await one.send(rig.server.addr, 'bye');
    assert.equal(text(await one.next()), 'gone');
    await waitUntil(() => closed === 1, 'onClosed');
    await one.send(rig.server.addr, 'again');
    assert.equal(text(await one.next()), '1');
    await rig.server.stop();
    assert.equal(closed, 3);
    assert.equal(rig.events.at(-1), 'shutdown');
  });

  test('silence ends one, and who speaks keeps his', async (t) => {
    const ended: string[] = [];
    const handler: EventHandler = {
      react: (frame) => frame,
      onClosed: (c, error) => void ended.push(`${c.remoteAddr} ${codeOf(error)}`),
    };
    const rig = await startRig(t, handler, { udpSessions: { idleTimeout: 150 } }, local);
    const [silent, speaker] = [await DatagramClient.open(t), await DatagramClient.open(t)];
    await silent.send(rig.server.addr, 'x');
    await silent.next();
    await waitUntil(() => {
      void speaker.send(rig.server.addr, 'x');
      return ended.length > 0;
    }, 'the end of the silent one');
    assert.deepEqual(ended, [`${silent.address} ErrTimeout`]);
    await waitUntil(() => ended.length === 2, 'the end of the other');
    assert.equal(rig.server.stats().loops[0]?.datagramSessions, 0);
  });

  test('no more than max at a time: the others are dropped and counted', async (t) => {
    const rig = await startRig(t, echo, { udpSessions: { max: 2 } }, local);
    const clients = await Promise.all([1, 2, 3].map(() => DatagramClient.open(t)));
    for (const client of clients.slice(0, 2)) {
      await client.send(rig.server.addr, 'x');
      await client.next();
    }
    await clients[2]?.send(rig.server.addr, 'x');
    await waitUntil(() => rig.server.stats().loops[0]?.datagramsRefused === 1, 'the refusal');
    await clients[0]?.send(rig.server.addr, 'still me');
    assert.equal(String(await clients[0]?.next()), 'still me');
    assert.deepEqual(rig.events, ['init', 'open', 'open']);
  });

  test('says goodbye when the server stops', async (t) => {
    const said: string[] = [];
    const handler: EventHandler = {
      react: (frame) => frame,
      async signalClose(c) {
        await settle(5);
        said.push(c.remoteAddr);
        c.sendTo('goodbye');
      },
    };
    const rig = await startRig(t, handler, { udpSessions: true }, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'x');
    await client.next();
    await rig.server.stop();
    assert.equal(text(await client.next()), 'goodbye');
    assert.deepEqual(said, [client.address]);
    assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
  });

  test('IPv6 peers have theirs', async (t) => {
    const handler: EventHandler = {
      react(_frame, c) {
        c.context = Number(c.context ?? 0) + 1;
        return String(c.context);
      },
    };
    const rig = await startRig(t, handler, { udpSessions: true }, 'udp://[::1]:0');
    const clients = await Promise.all(Array.from({ length: 20 }, () => DatagramClient.open(t, 6)));
    for (const expected of ['1', '2']) {
      for (const client of clients) {
        await client.send(rig.server.addr, 'x');
        assert.equal(text(await client.next()), expected);
      }
    }
    assert.equal(rig.server.stats().loops[0]?.datagramSessions, 20);
  });

  test('refuses what is no setting', async (t) => {
    for (const udpSessions of [1, { idle: 5 }, { idleTimeout: 0 }, { max: 1.5 }, null]) {
      await assert.rejects(startRig(t, echo, { udpSessions: udpSessions as never }, local), {
        code: 'ErrInvalidOption',
      });
    }
  });
});

test('a Conn of a datagram without sessions has neither beginning nor end', async (t) => {
  const seen = new Set<Conn>();
  const rig = await startRig(t, { react: (_frame, c) => void seen.add(c) }, {}, local);
  const client = await DatagramClient.open(t);
  for (let count = 0; count < 3; count++) await client.send(rig.server.addr, 'x');
  await waitUntil(() => seen.size === 3, 'three of them');
  assert.deepEqual(rig.events, ['init']);
});

describe('server.sendTo', () => {
  test('reaches whom nobody has heard of', async (t) => {
    const rig = await startRig(t, {}, {}, ['udp://127.0.0.1:0', 'udp://[::1]:0']);
    const [four, six] = [await DatagramClient.open(t), await DatagramClient.open(t, 6)];
    await rig.server.sendTo(`udp://${four.address}`, 'with a scheme');
    assert.equal(text(await four.next()), 'with a scheme');
    await rig.server.sendTo(four.address, Buffer.from('without'));
    assert.equal(text(await four.next()), 'without');
    assert.equal(`127.0.0.1:${four.senders[0]?.port}`, rig.server.addr);
    await rig.server.sendTo(six.address, 'six');
    assert.equal(text(await six.next()), 'six');
    const port = four.address.slice(four.address.lastIndexOf(':'));
    await rig.server.sendTo(`udp4://localhost${port}`, 'by name');
    assert.equal(text(await four.next()), 'by name');
    await assert.rejects(rig.server.sendTo(four.address, Buffer.alloc(70_000)), {
      code: 'EMSGSIZE',
    });
  });

  test('from a socket for both families', async (t) => {
    const rig = await startRig(t, {}, {}, 'udp://:0');
    const [four, six] = [await DatagramClient.open(t), await DatagramClient.open(t, 6)];
    await rig.server.sendTo(four.address, '4');
    await rig.server.sendTo(six.address, '6');
    assert.equal(text(await four.next()), '4');
    assert.equal(text(await six.next()), '6');
  });

  test('says what it cannot', async (t) => {
    const rig = await startRig(t, {}, {}, ['tcp://127.0.0.1:0', 'udp4://127.0.0.1:0']);
    const refused: readonly (readonly [string, string])[] = [
      ['tcp://127.0.0.1:9', 'ErrInvalidNetworkAddress'],
      ['127.0.0.1', 'ErrInvalidNetworkAddress'],
      ['127.0.0.1:0', 'ErrInvalidNetworkAddress'],
      ['[::1]:9', 'ErrUnsupportedOp'],
    ];
    for (const [address, code] of refused) {
      await assert.rejects(rig.server.sendTo(address, 'x'), { code }, address);
    }
    await assert.rejects(rig.server.sendTo('127.0.0.1:9', 5 as never), { code: 'ErrInvalidReply' });
    await rig.server.stop();
    await assert.rejects(rig.server.sendTo('127.0.0.1:9', 'x'), { code: 'ErrServerInShutdown' });
  });
});
