/** What a stream over a connection needs of it: `destroy`, `flush`, `setFlow`, `setTimer`, ... */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import { type Conn, ErrInvalidOption, type EventHandler } from 'gnet';
import { driverName, notOn } from '../support/driver.ts';
import { startClient } from '../support/client-rig.ts';
import { hasEverything } from '../support/offer.ts';
import { codeOf, connect, pair, startRig, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const large = Buffer.alloc(8_000_000, 'l');

describe('destroy', () => {
  test('sends what waits behind a send that is under way', async (t) => {
    for (const size of [1, 1_000, 100_000]) {
      const { rig, c, client } = await pair(t);
      c.asyncWrite('first');
      c.flush();
      const rest = Buffer.alloc(size, 'r');
      c.asyncWrite(rest);
      c.destroy();
      const got = String(await client.readUntilEnd());
      assert.equal(got, `first${rest}`);
      client.end();
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.equal(rig.closeErrors[0], undefined);
    }
  });

  test('sends what the kernel takes, and is an end, not a reset', async (t) => {
    const { rig, c, client } = await pair(t);
    c.asyncWrite('last words');
    c.destroy();
    assert.equal(c.asyncWrite('too late'), false);
    assert.equal(text(await client.readUntilEnd()), 'last words');
    assert.equal(client.broken, undefined);
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.deepEqual(rig.closeErrors, [undefined]);
  });

  test('inside react: what was written before goes out, the answer does not', async (t) => {
    const { rig, client } = await pair(t, {
      react(_frame, c) {
        c.asyncWrite('before');
        c.destroy();
        return 'answer';
      },
    });
    client.write('x');
    assert.equal(text(await client.readUntilEnd()), 'before');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.deepEqual(rig.closeErrors, [undefined]);
  });

  test('waits for no slow reader', async (t) => {
    const { rig, c, client } = await pair(t);
    client.pauseReading();
    c.asyncWrite(large);
    c.destroy();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    client.resumeReading();
    const got = await client.readUntilEnd();
    assert.ok(got.length < large.length);
  });

  test('of a connection whose peer has ended, and twice', async (t) => {
    const { rig, c, client } = await pair(t, {}, { allowHalfOpen: true });
    client.end();
    await waitUntil(() => c.readEnded, 'the end');
    c.asyncWrite('bye');
    c.destroy();
    c.destroy();
    assert.equal(text(await client.readUntilEnd()), 'bye');
    assert.deepEqual(rig.closeErrors, [undefined]);
    c.destroy();
  });
});

test('flush offers the kernel at once what waits for the end of the turn', async (t) => {
  const { c, client } = await pair(t);
  // Behind a send that is under way, as of TLS's own tickets, io_uring takes nothing.
  await waitUntil(() => hasEverything(c), 'what was written before');
  c.asyncWrite('now');
  assert.equal(c.outboundBuffered(), 3);
  c.flush();
  if (driverName !== 'node') assert.equal(c.outboundBuffered(), 0);
  assert.equal(text(await client.readExactly(3)), 'now');
});

describe('setFlow', () => {
  test('gives one connection marks of its own', async (t) => {
    let drains = 0;
    const { c, client } = await pair(t, { onDrain: () => void drains++ });
    c.setFlow({ highWaterMark: 4, overflow: 'none' });
    assert.equal(c.asyncWrite('12345'), false);
    await client.readExactly(5);
    await waitUntil(() => drains === 1, 'onDrain');
    c.setFlow({ highWaterMark: 100 });
    assert.equal(c.asyncWrite('12345'), true);
  });

  test('gives one connection half-open of its own', async (t) => {
    const { rig, c, client } = await pair(t);
    c.setFlow({ allowHalfOpen: true });
    client.end();
    await waitUntil(() => c.readEnded, 'the end');
    await settle();
    c.asyncWrite('still open');
    c.end();
    assert.equal(text(await client.readUntilEnd()), 'still open');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  });

  test('without half-open, the end of a peer that came before ends the connection', async (t) => {
    const { rig, c, client } = await pair(t, {}, { allowHalfOpen: true });
    client.end();
    await waitUntil(() => c.readEnded, 'the end');
    await settle();
    c.asyncWrite('the rest');
    c.setFlow({ allowHalfOpen: false });
    assert.equal(text(await client.readUntilEnd()), 'the rest');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  });

  test('without half-open, a handler that runs behind the end has closeTimeout', async (t) => {
    let finish: (() => void) | undefined;
    const react = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    const { rig, c, client } = await pair(t, { react }, { allowHalfOpen: true, closeTimeout: 50 });
    client.end();
    await waitUntil(() => c.readEnded, 'the end');
    c.wake();
    await waitUntil(() => finish !== undefined, 'the handler');
    c.setFlow({ allowHalfOpen: false });
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    finish?.();
  });

  /** What a handler that is called behind the end of its peer may change. */
  const flows = [
    { highWaterMark: 1_000_000 },
    { allowHalfOpen: false },
    { overflow: 'none' },
  ] as const;
  for (const flow of flows) {
    const allowHalfOpen = 'allowHalfOpen' in flow;
    const what = JSON.stringify(flow);

    test(`in onEnd: what is written behind it goes out: ${what}`, async (t) => {
      const writes: boolean[] = [];
      const handler: EventHandler = {
        onEnd(c) {
          c.setFlow(flow);
          writes.push(c.writeNoCodec('bye'));
        },
      };
      const { rig, client } = await pair(t, handler, { allowHalfOpen });
      client.end();
      assert.equal(text(await client.readUntilEnd()), 'bye');
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.deepEqual([writes, rig.closeErrors], [[true], [undefined]]);
    });

    test(`in an async onEnd: its promise is waited for: ${what}`, async (t) => {
      const writes: boolean[] = [];
      const handler: EventHandler = {
        async onEnd(c) {
          c.setFlow(flow);
          writes.push(c.writeNoCodec('one '));
          await settle();
          c.setFlow(flow);
          writes.push(c.writeNoCodec('two'));
        },
      };
      const { rig, client } = await pair(t, handler, { allowHalfOpen });
      client.end();
      assert.equal(text(await client.readUntilEnd()), 'one two');
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.deepEqual([writes, rig.closeErrors], [[true, true], [undefined]]);
    });
  }

  test('without half-open in react(null): the answer of that call goes out', async (t) => {
    const handler: EventHandler = {
      react(_frame, c) {
        c.setFlow({ allowHalfOpen: false });
        return c.writeNoCodec('the ') ? 'answer' : 'nothing';
      },
    };
    const { rig, c, client } = await pair(t, handler, { allowHalfOpen: true });
    client.end();
    await waitUntil(() => c.readEnded, 'the end');
    await settle();
    c.wake();
    assert.equal(text(await client.readUntilEnd()), 'the answer');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  });

  test('without half-open for a moment, the connection stays', async (t) => {
    const { rig, c, client } = await pair(t, {}, { allowHalfOpen: true });
    client.end();
    await waitUntil(() => c.readEnded, 'the end');
    await settle();
    for (const allowHalfOpen of [false, true]) c.setFlow({ allowHalfOpen });
    await settle();
    assert.equal(c.asyncWrite('still open'), true);
    c.end();
    assert.equal(text(await client.readUntilEnd()), 'still open');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  });

  test('lets a connection read on that rested above its mark', async (t) => {
    const seen: string[] = [];
    const { c, client } = await pair(t, { react: (frame) => void seen.push(String(frame)) });
    client.pauseReading();
    assert.equal(c.asyncWrite(large), false);
    client.write('x');
    await settle();
    assert.deepEqual(seen, []);
    c.setFlow({ overflow: 'none' });
    await waitUntil(() => seen.length === 1, 'it reads');
  });

  test('lets a connection rest that is above its mark already', async (t) => {
    const seen: string[] = [];
    const handler = { react: (frame: unknown) => void seen.push(String(frame)) };
    const { c, client } = await pair(t, handler, { overflow: 'none' });
    client.pauseReading();
    assert.equal(c.asyncWrite(large), false);
    c.setFlow({ overflow: 'pause' });
    client.write('x');
    await settle();
    assert.deepEqual(seen, []);
    client.resumeReading();
    await waitUntil(() => seen.length === 1, 'it reads on');
  });

  test('closes one that is above its mark already, if its policy is that now', async (t) => {
    const { rig, c, client } = await pair(t, {}, { overflow: 'none' });
    client.pauseReading();
    assert.equal(c.asyncWrite(large), false);
    c.setFlow({ overflow: 'close' });
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.equal(codeOf(rig.closeErrors[0]), 'ErrOutboundOverflow');
  });

  test('refuses what serve refuses, and replaces nothing then', async (t) => {
    const { c } = await pair(t);
    const wrong = [
      { highWaterMark: -1 },
      { lowWaterMark: 5, highWaterMark: 4 },
      { highWaterMark: 2 ** 40 },
      { overflow: 'drop' },
      { allowHalfOpen: 'yes' },
      { highWatermark: 4 },
      null,
    ];
    for (const flow of wrong) assert.throws(() => c.setFlow(flow as never), ErrInvalidOption);
    assert.equal(c.asyncWrite('12345'), true);
  });
});

describe('setTimer', () => {
  test('calls once, as an event: its context, and one send', async (t) => {
    const store = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const handler: EventHandler = {
      onOpened(c) {
        c.setTimer(20, () => {
          seen.push(store.getStore());
          c.asyncWrite('one ');
          c.asyncWrite('two');
        });
      },
    };
    const rig = await store.run('server', () => startRig(t, handler));
    const client = await connect(t, rig);
    assert.equal(text(await client.readExactly(7)), 'one two');
    await settle();
    assert.deepEqual(seen, ['server']);
  });

  test('never comes early, also on a loop that had nothing to time until then', async (t) => {
    const { c } = await pair(t);
    await settle(300);
    const begun = performance.now();
    const early = await new Promise((resolve) => {
      c.setTimer(200, () => resolve(performance.now() - begun < 198));
    });
    assert.equal(early, false);
  });

  test('is called off, by its function and by the close', async (t) => {
    const { c, client, rig } = await pair(t);
    let called = 0;
    const callOff = c.setTimer(10, () => called++);
    callOff();
    callOff();
    let isClosed = false;
    let outlived = false;
    c.setTimer(100, () => {
      outlived = isClosed;
    });
    client.destroy();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    isClosed = true;
    await settle(120);
    assert.equal(outlived, false);
    c.setTimer(1, () => called++)();
    await settle(20);
    assert.equal(called, 0);
  });

  test('a throw in it closes the connection with that error', async (t) => {
    const { c, rig, client } = await pair(t);
    c.setTimer(1, () => {
      throw new Error('broken');
    });
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.match(String(rig.closeErrors[0]?.message), /broken/);
  });

  test('a promise that it rejects closes the connection, too', async (t) => {
    const { c, rig, client } = await pair(t);
    c.setTimer(1, async () => {
      await settle(1);
      throw new Error('rejected');
    });
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.match(String(rig.closeErrors[0]?.message), /rejected/);
  });

  test('a thousand of one connection, in their order', async (t) => {
    const { c } = await pair(t);
    const called: { readonly from: number; readonly until: number }[] = [];
    for (let index = 0; index < 1_000; index++) {
      const ms = 1 + (index % 5) * 16;
      // The thread may be held up before, in or behind the call: it is due at some time between these.
      const from = performance.now() + ms;
      c.setTimer(ms, () => called.push({ from, until }));
      const until = performance.now() + ms;
    }
    await waitUntil(() => called.length === 1_000, 'all of them');
    let latest = 0;
    for (const { from, until } of called) {
      latest = Math.max(latest, from);
      assert.ok(until > latest - 9, 'only those of the same few milliseconds come in any order');
    }
  });

  test('refuses times that are none', async (t) => {
    const { c } = await pair(t);
    for (const ms of [0, -1, Number.NaN, 2 ** 31, '5']) {
      assert.throws(() => c.setTimer(ms as number, () => {}), ErrInvalidOption);
    }
  });
});

describe('options of a socket', () => {
  const readBack = notOn('node', 'its sockets have no descriptors to look at');

  test('are taken on TCP and on Unix sockets, and after the end', async (t) => {
    const { c, client, rig } = await pair(t);
    c.setNoDelay(false);
    c.setNoDelay(true);
    c.setKeepAlive(true, { idle: 5_000, interval: 1_000, count: 3 });
    c.setKeepAlive(false);
    client.destroy();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    c.setNoDelay(true);
    c.setKeepAlive(true);
  });

  test('are what the kernel has then', readBack, async (t) => {
    const { getOption } = await import('../../src/syscall/socket.ts');
    const { constants: k } = await import('../../src/syscall/tables.ts');
    const { c } = await pair(t);
    c.setNoDelay(false);
    assert.equal(getOption(c.fd, k.IPPROTO_TCP, k.TCP_NODELAY), 0);
    c.setNoDelay(true);
    assert.notEqual(getOption(c.fd, k.IPPROTO_TCP, k.TCP_NODELAY), 0);
    c.setKeepAlive(true, { idle: 4_500, interval: 1_000, count: 3 });
    assert.notEqual(getOption(c.fd, k.SOL_SOCKET, k.SO_KEEPALIVE), 0);
    assert.equal(getOption(c.fd, k.IPPROTO_TCP, k.TCP_KEEPIDLE), 5);
    assert.equal(getOption(c.fd, k.IPPROTO_TCP, k.TCP_KEEPINTVL), 1);
    assert.equal(getOption(c.fd, k.IPPROTO_TCP, k.TCP_KEEPCNT), 3);
    c.setKeepAlive(false);
    assert.equal(getOption(c.fd, k.SOL_SOCKET, k.SO_KEEPALIVE), 0);
  });

  test('refuse times that the kernel would not take', async (t) => {
    const { c } = await pair(t);
    for (const times of [{ idle: -1 }, { count: 0 }, { count: 128 }, { delay: 1 }]) {
      assert.throws(() => c.setKeepAlive(true, times as never), ErrInvalidOption);
    }
  });
});

describe('a handler for one dialled connection', () => {
  test('has all of its events, onOpened included', async (t) => {
    const rig = await startRig(t, { onOpened: () => 'hello', react: (frame) => frame });
    const { client, events } = await startClient(t);
    const seen: string[] = [];
    const handler: EventHandler = {
      onOpened: () => void seen.push('opened'),
      react: (frame) => void seen.push(String(frame)),
      onClosed: () => void seen.push('closed'),
    };
    const c = (await client.dial(`tcp://${rig.server.addr}`, { handler })) as Conn;
    await waitUntil(() => seen.length === 2, 'the greeting');
    c.close();
    await waitUntil(() => seen.length === 3, 'the close');
    assert.deepEqual(seen, ['opened', 'hello', 'closed']);
    assert.deepEqual(events, ['init']);
  });

  test('is refused when it is none, before anything is dialled', async (t) => {
    const { client } = await startClient(t);
    const dialled = client.dial('tcp://127.0.0.1:1', { handler: 5 as never });
    await assert.rejects(dialled, ErrInvalidOption);
  });
});

describe('a promise of signalClose', () => {
  test('holds the close up, and nothing else: a goodbye may need an answer', async (t) => {
    let settleGoodbye: () => void = () => {};
    const { rig, client } = await pair(t, {
      signalClose(c) {
        c.asyncWrite('going?');
        return new Promise((resolve) => (settleGoodbye = resolve));
      },
      react(frame) {
        settleGoodbye();
        return frame;
      },
    });
    const stopped = rig.server.stop();
    assert.equal(text(await client.readExactly(6)), 'going?');
    client.write('yes');
    assert.equal(text(await client.readUntilEnd()), 'yes');
    client.end();
    assert.deepEqual(await stopped, { forced: 0 });
    assert.deepEqual(rig.closeErrors, [undefined]);
  });

  test('that never settles has the time of the stop', async (t) => {
    const { rig } = await pair(
      t,
      { signalClose: () => new Promise(() => {}) },
      { closeTimeout: 10 },
    );
    const { forced, undone } = await rig.server.stop({ timeout: 100 });
    assert.equal(forced, 1);
    assert.equal(undone?.unsettledHandlers, 1);
  });
});
