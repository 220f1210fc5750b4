/** KCP on the clock of a simulation: what it does after how long. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EventLoop, serve } from 'gnet';
import type { KcpConn, KcpHandler, KcpOptions } from 'gnet/kcp';
import { Simulation } from 'gnet/testing';
import { clockOf } from '../../src/kcp/clock.ts';
import { codeOf } from '../support/rig.ts';
import { KcpWorld } from './kcp-world.ts';
import { push } from './segments.ts';

const game: KcpOptions = { nodelay: true, interval: 10, resend: 2, nc: true };
const echo: KcpHandler = { react: (message) => message };

describe('the clock of a simulation', () => {
  test('a message comes without time, and a lost one when it is sent again', async (t) => {
    const world = new KcpWorld(t);
    const address = await world.serve(echo);
    const heard: string[] = [];
    const c = await world.dial(address, { react: (message) => void heard.push(String(message)) });
    c.write('at once');
    await world.simulation.settled();
    assert.deepEqual(heard, ['at once']);
    world.simulation.setFaults({ datagramLoss: 1 });
    c.write('later');
    await world.simulation.settled();
    world.simulation.setFaults({});
    await world.advance(50);
    assert.equal(heard.length, 1);
    await world.advance(250);
    assert.deepEqual(heard, ['at once', 'later']);
    await c.flushed();
  });

  test('a hundred messages over a link that loses a third take no time of the test', async (t) => {
    const world = new KcpWorld(t, { seed: 5, faults: { datagramLoss: 0.33 } });
    const address = await world.serve(echo, game);
    const heard: string[] = [];
    const react: KcpHandler['react'] = (message) => void heard.push(String(message));
    const c = await world.dial(address, { react }, game);
    const sent = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    for (const message of sent) c.write(message);
    await world.advance(30_000);
    assert.deepEqual(heard, sent);
  });

  test('who is idle ends after idleTimeout', async (t) => {
    const world = new KcpWorld(t);
    const closed: string[] = [];
    const address = await world.serve({ onClosed: (_c, error) => void closed.push(codeOf(error)) });
    const c = await world.dial(address);
    c.write('hello');
    await world.advance(59_999);
    assert.deepEqual(closed, []);
    await world.advance(100);
    assert.deepEqual(closed, ['ErrTimeout']);
  });

  test('close waits for closeTimeout', async (t) => {
    const world = new KcpWorld(t);
    const address = world.simulation.datagrams().localAddress;
    const closed: string[] = [];
    const c = await world.dial(address, { onClosed: () => void closed.push('closed') });
    c.write('to nobody');
    c.close();
    await world.advance(4_900);
    assert.deepEqual(closed, []);
    await world.advance(200);
    assert.deepEqual(closed, ['closed']);
    await assert.rejects(c.flushed(), { code: 'ErrConnClosed' });
  });

  test('flushed waits for what was written before, and not for what follows', async (t) => {
    const world = new KcpWorld(t);
    const address = await world.serve({ onOpened: (c) => c.pauseRead() }, { receiveWindow: 1 });
    const c = await world.dial(address);
    c.write('taken');
    const first = c.flushed();
    c.write('for ever in the queue');
    c.write('this one too');
    const all = c.flushed();
    await world.advance(1_000);
    await first;
    c.close();
    await Promise.all([assert.rejects(all, { code: 'ErrConnClosed' }), world.advance(60_000)]);
  });
});

describe('a peer that vanished', () => {
  test('is noticed though the program goes on writing', async (t) => {
    const world = new KcpWorld(t);
    const conns: KcpConn[] = [];
    const closed: string[] = [];
    const address = await world.serve(
      {
        onOpened: (c) => void conns.push(c),
        onClosed: (_c, error) => void closed.push(codeOf(error)),
      },
      { ...game, idleTimeout: 1_000 },
    );
    await world.peer(address).send(push(1, 0, 'hello'));
    for (let step = 0; step < 10; step++) {
      assert.deepEqual(closed, []);
      conns[0]?.write('news');
      await world.advance(100);
    }
    assert.deepEqual(closed, ['ErrTimeout']);
  });

  test('is noticed by what it never acknowledges, long before an idleTimeout of a day', async (t) => {
    const world = new KcpWorld(t);
    const closed: string[] = [];
    const options = { idleTimeout: 86_400_000 };
    const address = await world.serve({}, options);
    const handler: KcpHandler = { onClosed: (_c, error) => void closed.push(codeOf(error)) };
    const c = await world.dial(address, handler, options);
    world.simulation.setFaults({ datagramLoss: 1 });
    c.write('hello?');
    await world.advance(60_000);
    assert.deepEqual(closed, []);
    await world.advance(30_000);
    assert.deepEqual(closed, ['ErrTimeout']);
  });

  test('and a link that loses every third datagram goes on, with one segment at a time', async (t) => {
    const world = new KcpWorld(t, { seed: 11, faults: { datagramLoss: 0.38 } });
    const heard: string[] = [];
    const address = await world.serve({ react: (message) => void heard.push(String(message)) });
    const c = await world.dial(address, {}, { sendWindow: 1 });
    for (let count = 0; count < 100; count++) c.write(`message ${count}`);
    await world.advance(300_000);
    assert.equal(heard.length, 100);
  });
});

describe('a peer that has acknowledged nothing, and may be forged', () => {
  for (const [name, options] of [
    ['the defaults', {}],
    ['those of games', { ...game, sendWindow: 1_024 }],
  ] as const) {
    test(`gets six datagrams for each of its own, with ${name}`, async (t) => {
      const world = new KcpWorld(t);
      const closed: string[] = [];
      const react: KcpHandler['react'] = () => Buffer.alloc(100_000);
      const onClosed: KcpHandler['onClosed'] = (_c, error) => void closed.push(codeOf(error));
      const address = await world.serve({ react, onClosed }, options);
      const peer = world.peer(address);
      for (let count = 0; count < 2; count++) {
        peer.say(push(1, 0, 'x'));
        await world.advance(30_000);
        assert.equal((await peer.datagrams()).length, 6);
      }
      await world.advance(100_000);
      assert.equal((await peer.datagrams()).length, 0);
      assert.deepEqual(closed, ['ErrTimeout']);
    });
  }

  test('gets everything at once as soon as it has', async (t) => {
    const world = new KcpWorld(t);
    const options = { ...game, sendWindow: 512, receiveWindow: 512 };
    const address = await world.serve({ react: () => Buffer.alloc(300_000) }, options);
    let bytes = 0;
    const react: KcpHandler['react'] = (message) => {
      bytes += message.length;
    };
    (await world.dial(address, { react }, options)).write('all');
    await world.simulation.settled(); // no time passes
    assert.equal(bytes, 300_000);
  });
});

describe('the limits of what is unacknowledged', () => {
  for (const [name, message] of [
    ['short', 'x'],
    ['empty', ''],
  ] as const) {
    test(`bound ${name} messages, too`, async (t) => {
      const world = new KcpWorld(t);
      const closed: string[] = [];
      let drains = 0;
      const address = await world.serve({});
      const handler: KcpHandler = {
        onDrain: () => void drains++,
        onClosed: (_c, error) => void closed.push(codeOf(error)),
      };
      const c = await world.dial(address, handler, {
        highWaterMark: 65_536,
        maxOutboundBytes: 131_072,
      });
      let taken = 0;
      while (taken < 1_000 && c.write(message)) taken++;
      assert.ok(taken > 100 && taken < 300, `${taken} were taken`);
      await world.advance(5_000);
      assert.deepEqual([drains, c.outboundBuffered()], [1, 0]);
      for (let count = 0; count < 1_000; count++) c.write(message);
      assert.deepEqual(closed, ['ErrOutboundOverflow']);
    });
  }
});

test('two hundred thousand have their looks at the time', async (t) => {
  const { driver, clock } = new Simulation();
  const server = await serve({}, 'udp://127.0.0.1:0', { driver });
  t.after(() => server.close());
  const looks = clockOf(server.loops[0] as EventLoop);
  let count = 0;
  const tick = (): boolean => {
    count++;
    return count <= 200_000; // once more each
  };
  for (let ticking = 0; ticking < 200_000; ticking++) looks.wake({ interval: 10, tick });
  await clock.advance(10);
  assert.equal(count, 200_000);
  await clock.advance(1_000);
  assert.equal(count, 400_000);
});
