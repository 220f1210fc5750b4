/** How conversations of a server begin and end, whatever comes late, again, or from somebody else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Action } from 'gnet';
import type { KcpConn, KcpHandler, KcpServerOptions } from 'gnet/kcp';
import { command } from '../../src/kcp/segment.ts';
import { codeOf, type TestScope } from '../support/rig.ts';
import { KcpWorld } from './kcp-world.ts';
import { ack, isPush, push, type Segment } from './segments.ts';

/** Serves, and remembers what happened. */
async function serving(t: TestScope, handler: KcpHandler, options: KcpServerOptions = {}) {
  const world = new KcpWorld(t);
  const events: string[] = [];
  const address = await world.serve(
    {
      ...handler,
      onOpened(c) {
        events.push(`${c.conv} opened`);
        return handler.onOpened?.(c);
      },
      react(message, c) {
        events.push(`${c.conv} ${message}`);
        return handler.react?.(message, c);
      },
      onClosed: (c, error) =>
        void events.push(`${c.conv} ${error === undefined ? 'closed' : codeOf(error)}`),
    },
    options,
  );
  return { world, address, events, peer: world.peer(address) };
}

const acknowledged = (segments: Segment[]): number[] =>
  segments.filter(({ cmd }) => cmd === command.ack).map(({ sn }) => sn);

describe('a conversation that the server has ended', () => {
  const throwing = (): never => {
    throw new Error('thrown');
  };
  for (const [name, react, end] of [
    ['by a throw', throwing, 'ErrHandler'],
    ['by an action', () => Action.Close, 'closed'],
  ] as const) {
    test(`${name}: what is sent again is acknowledged and not handled again`, async (t) => {
      const { world, events, peer } = await serving(t, { react });
      assert.deepEqual(acknowledged(await peer.send(push(7, 0, 'pay'))), [0]);
      await world.advance(1_000);
      for (let again = 0; again < 5; again++) {
        assert.deepEqual(acknowledged(await peer.send(push(7, 0, 'pay'))), [0]);
        await world.advance(5_000);
      }
      assert.deepEqual(events, ['7 opened', '7 pay', `7 ${end}`]);
    });
  }

  test('what is new in it is not acknowledged, so that the peer notices', async (t) => {
    const { world, events, peer } = await serving(t, { react: () => Action.Close });
    await peer.send(push(7, 0, 'bye'));
    await world.advance(1_000);
    assert.deepEqual(await peer.send(push(7, 1, 'still there?')), []);
    const [both, ...others] = await peer.send(
      Buffer.concat([push(7, 0, 'bye'), push(7, 1, 'still there?')]),
    );
    assert.deepEqual([both?.sn, both?.una, others.length], [0, 1, 0]);
    assert.ok(both !== undefined && both.wnd > 0);
    assert.equal(events.length, 3);
  });

  test('another number begins another one at once, the same one after a minute', async (t) => {
    const { world, events, peer } = await serving(t, { react: () => Action.Close });
    await peer.send(push(7, 0, 'first'));
    await world.advance(1_000);
    await peer.send(push(8, 0, 'second'));
    await world.advance(59_500);
    await peer.send(push(7, 0, 'third'));
    assert.deepEqual(
      events.filter((event) => !/opened|closed/.test(event)),
      ['7 first', '8 second', '7 third'],
    );
  });

  test('a message beyond the window ends one conversation, and its peer is told by time', async (t) => {
    const { world, address, events } = await serving(t, {});
    const closed: string[] = [];
    const onClosed: KcpHandler['onClosed'] = (_c, error) => void closed.push(codeOf(error));
    const c = await world.dial(address, { onClosed });
    c.write(Buffer.alloc(200_000));
    await world.advance(120_000);
    assert.deepEqual(events, [`${c.conv} opened`, `${c.conv} ErrFrameTooLong`]);
    assert.deepEqual(closed, ['ErrTimeout']);
  });
});

describe('another conversation of the same peer', () => {
  const echo: KcpHandler = { react: (message) => message };

  test('changes nothing for the first, until something is acknowledged in it', async (t) => {
    const { events, peer } = await serving(t, echo);
    const [answer] = (await peer.send(push(1, 0, 'one'))).filter(isPush);
    await peer.send(ack(answer as Segment));
    // Forged, or late: whoever sent it never acknowledges the echo, or guesses at it.
    const [other] = (await peer.send(push(2, 0, ''))).filter(isPush);
    await peer.send(ack({ ...(other as Segment), ts: (other as Segment).ts + 1_000_000 }));
    assert.deepEqual((await peer.send(push(1, 1, 'more'))).filter(isPush).at(0)?.text, 'more');
    assert.deepEqual(events, ['1 opened', '1 one', '2 opened', '2 ', '1 more']);
    await peer.send(ack((await peer.send(push(3, 0, 'three'))).find(isPush) as Segment));
    assert.deepEqual(events.slice(5), [
      '3 opened',
      '3 three',
      '1 ErrConnClosed',
      '2 ErrConnClosed',
    ]);
    assert.deepEqual((await peer.send(push(3, 1, 'on'))).find(isPush)?.text, 'on');
  });

  test('forged with the times that the forger got in its own does not end the first', async (t) => {
    const { events, peer, world, address } = await serving(t, echo);
    await peer.send(ack((await peer.send(push(1, 0, 'one'))).find(isPush) as Segment));
    const own = (await world.peer(address).send(push(5, 0, 'own'))).find(isPush) as Segment;
    await peer.send(push(2, 0, 'forged'));
    await peer.send(ack({ ...own, conv: 2 }));
    assert.deepEqual((await peer.send(push(1, 1, 'more'))).find(isPush)?.text, 'more');
    assert.ok(!events.some((event) => event.endsWith('ErrConnClosed')));
  });

  test('forged ones drive out one another, and never one whose peer is there', async (t) => {
    const { events, peer } = await serving(t, echo);
    const [answer] = (await peer.send(push(1, 0, 'one'))).filter(isPush);
    await peer.send(ack(answer as Segment));
    for (let conv = 2; conv <= 10; conv++) await peer.send(push(conv, 0, ''));
    const closed = events.filter((event) => event.endsWith('ErrConnClosed'));
    assert.deepEqual(
      closed,
      [2, 3, 4, 5, 6, 7].map((conv) => `${conv} ErrConnClosed`),
    );
    assert.deepEqual((await peer.send(push(1, 1, 'more'))).find(isPush)?.text, 'more');
  });

  test('counts for maxConnections', async (t) => {
    const { events, peer, world, address } = await serving(t, echo, { maxConnections: 2 });
    await peer.send(push(1, 0, 'a'), push(2, 0, 'b'), push(3, 0, 'c'));
    await world.peer(address).send(push(4, 0, 'd'));
    assert.deepEqual(events, ['1 opened', '1 a', '2 opened', '2 b']);
    await world.advance(70_000);
    await peer.send(push(3, 0, 'c'));
    assert.equal(events.at(-1), '3 c');
  });

  test('a stop calls signalClose for each, also when one throws', async (t) => {
    const conns: KcpConn[] = [];
    const signalled: number[] = [];
    const { peer, world } = await serving(t, {
      onOpened: (c) => void conns.push(c),
      react: (message) => (String(message) === 'stop' ? Action.Shutdown : undefined),
      signalClose(c) {
        signalled.push(c.conv);
        if (c.conv === 1) throw new Error('thrown');
      },
    });
    await peer.send(push(1, 0, ''), push(2, 0, ''));
    await peer.send(push(2, 1, 'stop'));
    await world.simulation.settled();
    assert.deepEqual(signalled, [1, 2]);
    assert.equal(conns.length, 2);
  });
});

test('conversations share the buffer of their datagrams', async (t) => {
  const { world, address, events } = await serving(t, {}, { mtu: 65_000, idleTimeout: 1_000 });
  const peers = Array.from({ length: 101 }, () => world.peer(address));
  await peers.pop()?.send(push(1, 0, ''));
  const before = process.memoryUsage().arrayBuffers;
  await Promise.all(peers.map((peer) => peer.send(push(1, 0, ''))));
  assert.equal(events.length, 202);
  // A buffer for each would be 6.5 MB.
  assert.ok(process.memoryUsage().arrayBuffers - before < 2_000_000);
});
