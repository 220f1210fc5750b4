/** What `simulate` promises: the server of production, on a network and a clock in the test's hands. */
import assert from 'node:assert/strict';
import { describe, mock, test, type TestContext } from 'node:test';
import { type Conn, client, type EventHandler, type Reply, serve } from 'gnet';
import { LengthFieldBasedFrameCodec, LineBasedFrameCodec } from 'gnet/codec';
import {
  expectFrames,
  roughFaults,
  type SimulatedServer,
  type SimulateOptions,
  Simulation,
  simulate,
  withSeeds,
} from 'gnet/testing';

const lines = new LineBasedFrameCodec();
const echo: EventHandler = { react: (frame) => frame as Buffer };

async function started(
  t: TestContext,
  handler: EventHandler,
  options?: SimulateOptions,
): Promise<SimulatedServer> {
  const world = await simulate(handler, options);
  t.after(() => world.close());
  return world;
}

describe('simulate', () => {
  test('serves a handler as it is: addresses, connections, statistics', async (t) => {
    const { server, connect, settled } = await started(t, echo, { codec: lines });
    assert.equal(server.driver, 'simulated');
    assert.match(server.addr, /^127\.0\.0\.1:\d+$/);
    const ann = await connect();
    ann.write('hello\nyou\n');
    await expectFrames(ann, ['hello', 'you']);
    assert.equal(server.countConnections(), 1);
    ann.end();
    await settled();
    assert.equal(server.countConnections(), 0);
    assert.equal(server.stats().loops[0]?.frames, 2);
    assert.ok(ann.ended && ann.closed);
  });

  test('several addresses, Unix paths and datagrams', async (t) => {
    const { server, simulation, connect } = await started(t, echo, {
      address: ['tcp://:0', 'unix:///run/echo.sock', 'udp://127.0.0.1:0'],
    });
    for (const address of [server.addrs[0], '/run/echo.sock']) {
      const ann = await connect({ address: address as string });
      ann.write('hello');
      assert.equal(String(await ann.readExactly(5)), 'hello');
    }
    const socket = simulation.datagrams();
    socket.send(server.addrs[2] as string, 'datagram');
    const { data, from } = await socket.receive();
    assert.deepEqual([String(data), from], ['datagram', server.addrs[2]]);
  });

  test('a read that nothing can fulfil fails at once, and says so', async (t) => {
    const { connect } = await started(t, echo);
    const ann = await connect();
    ann.write('abc');
    await assert.rejects(
      ann.readExactly(5),
      /^Error: cannot read 5 bytes: only 3 came; nothing is under way any more \(seed 1\)/,
    );
    await assert.rejects(ann.untilClosed(), /cannot wait for the close/);
    assert.equal(String(ann.take()), 'abc');
  });

  test('so do a datagram and a caller that nobody waits to send', async () => {
    const simulation = new Simulation();
    const nothing = /nothing is under way any more/;
    await assert.rejects(simulation.datagrams().receive(), nothing);
    await assert.rejects(simulation.listen().accept(), nothing);
  });

  test('a handler that answers by a promise is waited for', async (t) => {
    const { connect, settled } = await started(t, {
      async react(frame) {
        const copy = Buffer.from(frame as Buffer);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return copy;
      },
    });
    const ann = await connect();
    ann.write('later');
    assert.equal(String(await ann.readExactly(5)), 'later');
    ann.write('again');
    await settled();
    assert.equal(String(ann.take()), 'again');
  });

  test('two sides that answer each other for ever are told apart from work', async (t) => {
    const { connect, settled } = await started(t, {
      onOpened: (c: Conn) => c.wake(),
      react: (_frame, c: Conn) => c.wake(),
    });
    await connect();
    await assert.rejects(settled(), /has not come to rest in 200000 turns/);
  });
});

describe('the clock of a simulation', () => {
  test('moves deadlines, timers and ticks, each at its time', async (t) => {
    const log: string[] = [];
    const world = await started(
      t,
      {
        onOpened(c: Conn) {
          c.setTimer(1_500, () => log.push(`timer at ${world.clock.now}`));
        },
        onClosed(_c, error) {
          log.push(`${(error as { code?: string }).code} at ${world.clock.now}`);
        },
        tick() {
          log.push(`tick at ${world.clock.now}`);
          return 1_000;
        },
      },
      { ticker: true, idleTimeout: 2_500 },
    );
    const { clock, connect } = world;
    const ann = await connect();
    await clock.advance(3_000);
    assert.deepEqual(log, [
      'tick at 0',
      'tick at 1000',
      'timer at 1500',
      'tick at 2000',
      'ErrTimeout at 2500',
      'tick at 3000',
    ]);
    assert.ok(ann.closed);
    assert.equal(clock.now, 3_000);
  });

  test('counts as time in which the loop had nothing to do', async (t) => {
    const simulation = await simulate({
      onOpened(c) {
        const again = (): void => void c.loop.schedule(1_000, again);
        again();
      },
    });
    t.after(() => simulation.close());
    await simulation.connect();
    await simulation.clock.advance(20_000);
    const loop = simulation.server.stats().loops[0];
    assert.deepEqual([loop?.activeMs, loop?.idleMs, loop?.utilization], [0, 20_000, 0]);
  });

  test('a timer of hours comes after hours', async (t) => {
    let at = 0;
    const { connect, clock } = await started(t, {
      onOpened(c: Conn) {
        c.setTimer(7_200_000, () => {
          at = clock.now;
        });
      },
    });
    await connect();
    await clock.advance(8_000_000);
    assert.equal(at, 7_200_000);
  });

  test('a read that waits for time is no failure while time passes', async (t) => {
    const { connect, clock } = await started(t, {
      onOpened: (c: Conn) => void c.setTimer(60_000, () => c.asyncWrite('at last')),
    });
    const ann = await connect();
    const read = ann.readExactly(7);
    await clock.advance(60_000);
    assert.equal(String(await read), 'at last');
    assert.throws(() => clock.advance(-1), { code: 'ErrInvalidOption' });
  });

  test('takes other timers along', async (t) => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    t.after(() => mock.timers.reset());
    const { connect, clock } = await started(
      t,
      { onOpened: (c: Conn) => void setTimeout(() => c.asyncWrite(`${Date.now()}`), 250) },
      { timers: mock.timers },
    );
    const ann = await connect();
    await clock.advance(1_000);
    assert.equal(String(ann.take()), '252');
  });
});

describe('faults', () => {
  const framed = new LengthFieldBasedFrameCodec(
    { lengthFieldLength: 2 },
    { lengthFieldLength: 2, initialBytesToStrip: 2 },
  );

  test('the same seed gives the same run, another seed another one', async () => {
    async function run(seed: number): Promise<string> {
      const sizes: number[] = [];
      const { connect, close } = await simulate(
        {
          react(frame) {
            sizes.push(frame?.length ?? 0);
            return frame as Buffer;
          },
        },
        { seed, faults: roughFaults },
      );
      const clients = [await connect(), await connect()];
      for (const one of clients) one.write(Buffer.alloc(10_000));
      await Promise.all(clients.map((one) => one.readExactly(10_000)));
      await close();
      return sizes.join();
    }
    const [first, again, other] = [await run(7), await run(7), await run(8)];
    assert.equal(first, again);
    assert.notEqual(first, other);
  });

  test('whatever is split and delayed, every frame comes back', () =>
    withSeeds(30, async (seed) => {
      const { connect, close } = await simulate(echo, { codec: framed, seed, faults: roughFaults });
      const clients = await Promise.all([connect(), connect(), connect()]);
      const payloads = ['', 'a', 'b'.repeat(5_000)];
      for (const one of clients) for (const payload of payloads) one.writeFrame(payload);
      await Promise.all(clients.map((one) => expectFrames(one, payloads)));
      await close();
    }));

  test('a network that breaks connections breaks them on both sides', async (t) => {
    const errors: unknown[] = [];
    const { simulation, connect, settled } = await started(t, {
      react: (frame) => frame as Buffer,
      onClosed: (_c, error) => void errors.push((error as { code?: string } | undefined)?.code),
    });
    const ann = await connect();
    await settled();
    simulation.setFaults({ reset: 1 });
    ann.write('x');
    await ann.untilClosed();
    assert.equal(ann.broken, 'ECONNRESET');
    await settled();
    assert.deepEqual(errors, ['ECONNRESET']);
  });

  test('no memory: what cannot be kept costs its connection alone', async (t) => {
    const closed: unknown[] = [];
    const { simulation, connect, settled } = await started(
      t,
      {
        react: (_frame, c: Conn) => void c.asyncWrite(Buffer.alloc(100_000)),
        onClosed: (_c, error) => void closed.push((error as { code?: string } | undefined)?.code),
      },
      { channelBytes: 1_000 },
    );
    const [ann, bob] = [await connect(), await connect()];
    ann.pauseReading();
    await settled();
    ann.write('x');
    // Receiving has to have its memory first: it rests without.
    simulation.setFaults({ noMemory: 0.5 });
    await settled();
    simulation.setFaults({});
    assert.deepEqual(
      closed.filter((code) => code !== 'ENOMEM'),
      [],
    );
    bob.write('x');
    assert.equal((await bob.readExactly(100_000)).length, 100_000);
  });

  test('no descriptors: listeners rest, and everybody is served in the end', async (t) => {
    const { simulation, connect, settled, clock, server } = await started(t, echo, {
      logLevel: 'error',
    });
    simulation.descriptorsMax = 2;
    const clients = await Promise.all([connect(), connect(), connect()]);
    await settled();
    assert.equal(server.countConnections(), 1);
    assert.ok((server.stats().loops[0]?.acceptRests ?? 0) > 0);
    simulation.descriptorsMax = 10;
    await clock.advance(10_000);
    for (const one of clients) {
      one.write('hello');
      assert.equal(String(await one.readExactly(5)), 'hello');
    }
  });

  test('what is no fault, no seed or no driver is refused by name', async () => {
    for (const faults of [{ splits: 1 }, { split: 2 }, { split: Number.NaN }]) {
      assert.throws(() => new Simulation({ faults }), /cannot simulate the fault split/);
    }
    assert.throws(() => new Simulation({ seed: 0.5 }), { code: 'ErrInvalidOption' });
    const { driver } = new Simulation();
    const options = { driver, numEventLoop: 2 };
    await assert.rejects(serve(echo, 'tcp://127.0.0.1:0', options), { code: 'ErrInvalidOption' });
    const wrong = { driver: { name: 'simulated' } };
    await assert.rejects(serve(echo, 'tcp://127.0.0.1:0', wrong), { code: 'ErrInvalidOption' });
  });
});

describe('one simulation for several', () => {
  test('a gateway between a client and a server that the test plays', async (t) => {
    const simulation = new Simulation();
    const { driver } = simulation;
    const upstream = simulation.listen();
    const out = await client(
      { react: (frame, c: Conn<Conn>) => void c.context.asyncWrite(frame as Buffer) },
      { driver },
    );
    const gateway = await serve(
      {
        async react(frame, c: Conn): Promise<Reply> {
          const copy = Buffer.from(frame as Buffer);
          const conn = await out.dial(upstream.address, { context: c });
          conn.asyncWrite(copy);
        },
      },
      'tcp://127.0.0.1:0',
      { driver },
    );
    t.after(() => Promise.all([gateway.close(), out.close()]));
    const ann = await simulation.connect(gateway.addr);
    ann.write('question');
    const far = await upstream.accept();
    assert.equal(String(await far.readExactly(8)), 'question');
    far.write('answer');
    assert.equal(String(await ann.readExactly(6)), 'answer');
    upstream.close();
    await assert.rejects(simulation.connect(upstream.address.slice(6)), { code: 'ECONNREFUSED' });
  });
});

test('withSeeds names the seed that failed, and repeats the one that is given', async (t) => {
  const seeds: number[] = [];
  const failing = (seed: number): void => {
    seeds.push(seed);
    if (seeds.length === 3) throw new RangeError('wrong');
  };
  await assert.rejects(withSeeds(10, failing), (error: Error) => {
    assert.equal(
      error.message,
      `fails with seed ${seeds[2]}; repeat it with GNET_SEED=${seeds[2]}: wrong`,
    );
    return error.cause instanceof RangeError;
  });
  assert.equal(seeds.length, 3);
  const before = process.env['GNET_SEED'];
  t.after(() => {
    if (before === undefined) delete process.env['GNET_SEED'];
    else process.env['GNET_SEED'] = before;
  });
  process.env['GNET_SEED'] = '42';
  const given: number[] = [];
  await withSeeds(10, (seed) => void given.push(seed));
  assert.deepEqual(given, [42]);
});

test('withSeeds refuses a count with which nothing would run', async () => {
  for (const count of [
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '3' as unknown as number,
  ]) {
    await assert.rejects(
      withSeeds(count, () => {}),
      { code: 'ErrInvalidOption' },
    );
  }
});
