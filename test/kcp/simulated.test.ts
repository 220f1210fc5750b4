/** KCP on the clock of a simulation: what it does after how long. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EventLoop, serve } from 'gnet';
import type { KcpConn, KcpHandler, KcpOptions } from 'gnet/kcp';
import { Simulation } from 'gnet/testing';
import { clockOf } from '../../src/kcp/clock.ts';
import { command } from '../../src/kcp/segment.ts';
import { codeOf } from '../support/rig.ts';
import { KcpWorld } from './kcp-world.ts';
import { ack, isPush, push, type Segment, segment, segmentsOf } from './segments.ts';

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

test('how long an answer takes decides when a segment is sent again', async (t) => {
  const world = new KcpWorld(t);
  const address = await world.serve({ react: (message) => message });
  const peer = world.peer(address);
  for (let sn = 0; sn < 5; sn++) {
    const [echoed] = (await peer.send(push(1, sn, 'at once'))).filter(isPush);
    await peer.send(ack(echoed as Segment));
  }
  await peer.send(push(1, 5, 'not acknowledged'));
  await world.advance(180); // before anything was measured it is 225
  assert.equal((await peer.datagrams()).flatMap(segmentsOf).filter(isPush).length, 1);
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
    test(`gets six datagrams for each of its own and then ever fewer, with ${name}`, async (t) => {
      const world = new KcpWorld(t);
      const closed: string[] = [];
      const react: KcpHandler['react'] = () => Buffer.alloc(100_000);
      const onClosed: KcpHandler['onClosed'] = (_c, error) => void closed.push(codeOf(error));
      const address = await world.serve({ react, onClosed }, options);
      const peer = world.peer(address);
      for (let count = 0; count < 2; count++) {
        peer.say(push(1, 0, 'x'));
        await world.advance(1_000);
        const atOnce = (await peer.datagrams()).length;
        assert.ok(atOnce <= 6, `${atOnce} at once`);
        await world.advance(29_000);
        const all = atOnce + (await peer.datagrams()).length;
        assert.ok(all > 6 && all <= 11, `${all} in half a minute`);
      }
      await world.advance(100_000);
      const late = (await peer.datagrams()).length;
      assert.ok(late > 0 && late <= 4, `${late} until idleTimeout`);
      assert.deepEqual(closed, ['ErrTimeout']);
    });

    for (const outage of [300, 3_000, 20_000]) {
      const title = `gets the answer when an outage of ${outage} ms is over, with ${name}`;
      test(title, async (t) => {
        const world = new KcpWorld(t);
        const conns: KcpConn[] = [];
        const address = await world.serve({ onOpened: (c) => void conns.push(c) }, options);
        const heard: number[] = [];
        const react: KcpHandler['react'] = (message) => void heard.push(message.length);
        const c = await world.dial(address, { react }, options);
        c.write('request');
        await world.simulation.settled();
        assert.equal(c.outboundBuffered(), 0); // it has nothing to send any more
        world.simulation.setFaults({ datagramLoss: 1 });
        conns[0]?.write(Buffer.alloc(5_000));
        await world.advance(outage);
        world.simulation.setFaults({});
        assert.deepEqual(heard, []);
        await world.advance(Math.min(8_000, outage + 2_000));
        assert.deepEqual(heard, [5_000]);
        assert.equal(conns[0]?.outboundBuffered(), 0);
      });
    }
  }

  test('cannot acknowledge what it does not receive with the times of another', async (t) => {
    const world = new KcpWorld(t);
    const options = { ...game, sendWindow: 512 };
    const address = await world.serve({ react: () => Buffer.alloc(300_000) }, options);
    const forger = world.peer(address);
    const [known] = (await forger.send(push(1, 0, 'x'))).filter(isPush);
    const victim = world.peer(address);
    victim.say(push(7, 0, 'x'));
    await world.simulation.settled();
    const { ts } = known as Segment;
    for (let sn = 0; sn < 200; sn++) {
      victim.say(segment({ conv: 7, sn, ts, una: sn + 1, cmd: command.ack, wnd: 512 }));
      if (sn % 4 === 3) await world.advance(10);
    }
    const came = (await victim.datagrams()).flatMap(segmentsOf).filter(isPush);
    assert.ok(came.length <= 16, `${came.length} came`); // of four segments
    assert.deepEqual([...new Set(came.map((each) => each.sn))], [0, 1, 2, 3]);
  });

  test('is asked again when only its later segments say what it has', async (t) => {
    const world = new KcpWorld(t);
    const address = await world.serve({ react: () => Buffer.alloc(20_000) }, game);
    const peer = world.peer(address);
    assert.equal((await peer.send(push(1, 0, 'x'))).filter(isPush).length, 4);
    // The acknowledgements were lost; that number alone may be a guess.
    await peer.send(segment({ conv: 1, sn: 1, una: 4, cmd: command.push }, 'y'));
    await world.advance(250);
    const again = (await peer.datagrams()).flatMap(segmentsOf).filter(isPush);
    assert.deepEqual([...new Set(again.map(({ sn }) => sn))], [0, 1, 2, 3]);
    const rest = await peer.send(...again.map(ack));
    assert.ok(rest.filter(isPush).length > 20);
  });

  test('has, when the acknowledgement of the first of many sends comes late', async (t) => {
    const world = new KcpWorld(t);
    const options = { ...game, sendWindow: 512 };
    const address = await world.serve({ react: () => Buffer.alloc(300_000) }, options);
    const peer = world.peer(address);
    const [first] = (await peer.send(push(1, 0, 'x'))).filter(isPush);
    await world.advance(20_000);
    await peer.datagrams();
    const { ts } = first as Segment;
    const came = await peer.send(segment({ conv: 1, ts, una: 4, cmd: command.ack, wnd: 512 }));
    assert.ok(came.length > 100, `${came.length} came`);
  });

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
