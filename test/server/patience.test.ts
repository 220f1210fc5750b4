/** Limits and closes look into the kernel: a slow reader is not stuck, and what waits there was sent. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Conn,
  ErrInvalidOption,
  ErrTimeout,
  type EventHandler,
  type FrameSource,
  LineBasedFrameCodec,
  type Options,
  type Timeouts,
} from 'gnet';
import { block } from '../support/block.ts';
import { rejection, startClient } from '../support/client-rig.ts';
import { notOn } from '../support/driver.ts';
import { connect, freeAddress, pair, startRig, streamTransports, text } from '../support/rig.ts';
import { readSlowly } from '../support/slow-readers.ts';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

/** More than the peer's kernel takes by itself, less than both kernels hold. */
const inKernel = Buffer.alloc(1_000_000, 'k');
const slow = {
  driver: 'auto',
  temperament: 'quiet',
  way: 'close',
  bytes: 3_145_728,
  bytesPerSecond: 800_000,
  closeTimeout: 0,
} as const;

const unixUnknown = notOn('node', 'the runtime does not tell what Unix sockets hold');

for (const transport of streamTransports) {
  const unknown = transport === 'unix' ? unixUnknown : {};
  describe(`${transport}: bytes that the kernel holds`, () => {
    test('a close that gives up says how many', unknown, async (t) => {
      const handler: EventHandler = {
        react(_frame, c) {
          c.asyncWrite(inKernel);
          c.close();
        },
      };
      const options = { closeTimeout: 200, socketSendBuffer: 2_000_000 };
      const rig = await startRig(t, handler, options, freeAddress(t, transport));
      const client = await connect(t, rig);
      client.pauseReading();
      client.write('go');
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.ok(rig.closeErrors[0] instanceof ErrTimeout);
      assert.match(rig.closeErrors[0].message, /; [1-9]\d+ bytes did not reach it; raise close/);
    });

    test('keep idleTimeout from ending a reader that takes them', unknown, async (t) => {
      // The last that the reader has to take is in its own kernel, where nobody sees it leave: the limit
      // is longer than that takes.
      await unlessHeldUp(500, async () => {
        const { rig } = await withAnswer(t, { idleTimeout: 1_500 }, freeAddress(t, transport));
        const { received } = await readSlowly(rig.server.addr, slow);
        assert.equal(received, slow.bytes);
        assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
      });
    });
  });
}

/** A server that answers with 3 MiB and closes only when its limits say so. */
async function withAnswer(
  t: Parameters<typeof startRig>[0],
  limits: Timeouts & Options,
  address?: string,
) {
  const answer = Buffer.alloc(slow.bytes, 'a');
  const handler: EventHandler = { react: () => answer };
  return { rig: await startRig(t, handler, limits, address) };
}

describe('limits of a slow reader', () => {
  test('writeTimeout leaves one alone that takes what the kernel holds', async (t) => {
    // The kernel says that it has room when a third of its buffer is free: that takes a reader of
    // this pace longer than the limit.
    const limits = { writeTimeout: 600, socketSendBuffer: 1_000_000 };
    await unlessHeldUp(200, async () => {
      const { rig } = await withAnswer(t, limits);
      const reading = readSlowly(rig.server.addr, slow);
      const sent = (): number => rig.server.stats().loops[0]?.bytesSent ?? 0;
      await waitUntil(() => sent() >= slow.bytes || rig.closeErrors.length > 0, 'all sent');
      assert.deepEqual(rig.events, ['init', 'open']);
      await rig.server.stop({ timeout: 600_000 });
      assert.deepEqual(await reading, { received: slow.bytes, ending: 'end' });
      assert.deepEqual(rig.closeErrors, [undefined]);
    });
  });

  test('a peer that ends first gets everything, also of a server that stops', async (t) => {
    const answer = Buffer.alloc(slow.bytes, 'a');
    const rig = await startRig(t, { react: () => answer }, { closeTimeout: 500 });
    const client = await connect(t, rig);
    client.pauseReading();
    client.write('go');
    client.end();
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesSent ?? 0) > 0, 'the answer begun');
    const stopped = rig.server.stop({ timeout: 600_000 });
    for (let piece = 0; piece < 100 && !client.ended; piece++) {
      client.resumeReading();
      await settle(5);
      client.pauseReading();
      await settle(30);
    }
    client.resumeReading();
    assert.equal((await client.readUntilEnd()).length, slow.bytes);
    await stopped;
    assert.deepEqual(rig.closeErrors, [undefined]);
  });
});

describe('readTimeout', () => {
  test('ends a peer that sends nothing, whatever it is sent', async (t) => {
    const { rig, c } = await pair(t, {}, { readTimeout: 300 });
    const timer = setInterval(() => c.asyncWrite('tick'), 20);
    t.after(() => clearInterval(timer));
    await waitUntil(() => rig.events.length === 3, 'onClosed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
    assert.match(String(rig.closeErrors[0]?.message), /nothing was received .* raise readTimeout/);
  });

  test('leaves a peer alone that sends now and then, and counts anew after that', async (t) => {
    await unlessHeldUp(200, async () => {
      const { rig, client } = await pair(t, {}, { readTimeout: 500 });
      for (let beat = 0; beat < 10; beat++) {
        client.write('x');
        await settle(100);
      }
      assert.deepEqual(rig.events, ['init', 'open']);
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
    });
  });

  test('does not count while a promise of react is open or reading is paused', async (t) => {
    await unlessHeldUp(50, async () => {
      const handler: EventHandler = {
        async react(_frame, c) {
          await settle(500);
          c.pauseRead();
          setTimeout(() => c.resumeRead(), 500);
          return 'done';
        },
      };
      const { rig, client } = await pair(t, handler, { readTimeout: 200 });
      client.write('go');
      assert.equal(text(await client.readExactly(4)), 'done');
      await settle(300);
      assert.deepEqual(rig.events, ['init', 'open']);
      await waitUntil(() => rig.events.length === 3, 'onClosed, once it reads again');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
    });
  });
});

for (const transport of ['tcp', 'tls'] as const) {
  for (const name of ['idleTimeout', 'readTimeout'] as const) {
    test(`${transport}: a blocked thread hears what was sent before ${name} fires`, async (t) => {
      const seen: string[] = [];
      const handler: EventHandler = {
        react(frame) {
          seen.push(String(frame));
          if (String(frame) !== 'block') return;
          block(1_200);
          // In the kernel when this returns.
          for (const other of others) other.write('in time');
          block(300);
        },
      };
      // Longer than three peers take to connect, whatever else the machine does.
      const rig = await startRig(t, handler, { [name]: 1_000 }, freeAddress(t, transport));
      const client = await connect(t, rig);
      const others = [await connect(t, rig), await connect(t, rig), client];
      await waitUntil(() => rig.events.length === 4, 'all are open');
      client.write('block');
      await waitUntil(() => seen.length === 4, 'everything that was sent');
      assert.deepEqual(rig.events.slice(1), ['open', 'open', 'open']);
    });

    test(`${transport}: ${name} of the others in its batch counts from when they were read`, async (t) => {
      const blocked: string[] = [];
      const handler: EventHandler = {
        react(frame) {
          if (String(frame) !== 'block') return frame;
          // Whoever is first: the other one is read only when this returns.
          if (blocked.push('once') === 1) block(1_500);
          return undefined;
        },
      };
      const rig = await startRig(t, handler, { [name]: 1_000 }, freeAddress(t, transport));
      const clients = [await connect(t, rig), await connect(t, rig)];
      await waitUntil(() => rig.events.length === 3, 'both are open');
      for (const client of clients) client.write('block');
      await waitUntil(() => blocked.length === 2, 'both blocks');
      await settle(100);
      for (const client of clients) client.write('here');
      for (const client of clients) assert.equal(text(await client.readExactly(4)), 'here');
      assert.deepEqual(rig.events, ['init', 'open', 'open']);
    });
  }
}

describe('a thread that was blocked', () => {
  test('blocked outside of any event, too', async (t) => {
    const seen: string[] = [];
    const { rig, client } = await pair(
      t,
      { react: (frame) => void seen.push(String(frame)) },
      { idleTimeout: 400 },
    );
    block(300);
    client.write('in time');
    block(500);
    await waitUntil(() => seen.length === 1, 'what was sent');
    assert.deepEqual(rig.events, ['init', 'open']);
  });

  for (const limit of ['timeout', 'attemptTimeout'] as const) {
    test(`a dial that was answered meanwhile has not timed out: ${limit}`, async (t) => {
      const rig = await startRig(t, {});
      const { client } = await startClient(t);
      // Behind the turn of the loops: what comes next are timers, the one of the dial among them.
      await settle(1);
      await new Promise((resolve) => setImmediate(resolve));
      const dialled = client.dial(`tcp://${rig.server.addr}`, { [limit]: 150 });
      // The call leaves, and no loop has a turn in which to hear of the answer.
      for (let step = 0; step < 50; step++) await null;
      block(400);
      assert.equal((await dialled).asyncWrite('here'), true);
      const late = client.dial('tcp://127.0.0.1:1', { timeout: 150 });
      assert.match(String(await rejection(late)), /ECONNREFUSED|refused/);
    });
  }
});

describe('setTimeouts', () => {
  test('leaves limits as they are that are undefined', async (t) => {
    const handler: EventHandler = {
      onOpened: (c) => void c.setTimeouts({ writeTimeout: 1_000, idleTimeout: undefined }),
    };
    const { rig } = await pair(t, handler, { idleTimeout: 60 });
    await waitUntil(() => rig.events.length === 3, 'onClosed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
  });

  test('refuses what serve refuses, and then replaces nothing', async (t) => {
    const { rig, c } = await pair(t, {}, { idleTimeout: 60_000 });
    const set = (limits: unknown) => () => c.setTimeouts(limits as Timeouts);
    for (const name of ['idleTimeout', 'readTimeout', 'writeTimeout', 'closeTimeout']) {
      for (const value of [Number.NaN, -1, '5000', null, 2 ** 31, Infinity]) {
        const wrong = set({ closeTimeout: 1, [name]: value });
        assert.throws(wrong, (error) => {
          assert.ok(error instanceof ErrInvalidOption);
          assert.match(error.message, new RegExp(`option ${name}`));
          return true;
        });
      }
    }
    assert.throws(set({ idleTimeOut: 5 }), /is it idleTimeout\?/);
    assert.throws(set({ timeout: 5 }), /there are idleTimeout, readTimeout/);
    for (const given of [undefined, null, 5, []]) assert.throws(set(given), ErrInvalidOption);
    assert.equal(c.asyncWrite('here'), true);
    assert.deepEqual(rig.events, ['init', 'open']);
  });
});

describe('end() and close() inside react', () => {
  const lines = 'one\ntwo\nthree\n';

  test('the answer of the call that ends goes out; later frames arrive, unanswered', async (t) => {
    const seen: string[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        seen.push(String(frame));
        if (seen.length === 1) c.end();
        return `bye ${frame}`;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write(lines);
    assert.equal(text(await client.readUntilEnd()), 'bye one\n');
    await waitUntil(() => seen.length === 3, 'all frames');
  });

  test('so does the answer of onOpened', async (t) => {
    const handler: EventHandler = {
      onOpened(c) {
        c.end();
        return 'closed today';
      },
    };
    const client = await connect(t, await startRig(t, handler));
    assert.equal(text(await client.readUntilEnd()), 'closed today');
  });

  for (const gap of ['of the same read', 'of later reads'] as const) {
    test(`after close() no frame ${gap} arrives`, async (t) => {
      const seen: string[] = [];
      const handler: EventHandler = {
        react(frame, c) {
          seen.push(String(frame).slice(0, 3));
          c.close();
          return `bye ${seen.length}`;
        },
      };
      const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
      const client = await connect(t, rig);
      const filler = gap === 'of later reads' ? '-'.repeat(66_000) : '';
      client.write(lines.replaceAll('\n', `${filler}\n`));
      assert.equal(text(await client.readUntilEnd()), 'bye 1\n');
      client.end();
      await waitUntil(() => rig.events.length === 3, 'onClosed');
      assert.deepEqual(seen, ['one']);
    });
  }

  const endings: Record<string, (c: FrameSource) => void> = {
    close: (c) => (c as Conn).close(),
    destroy: (c) => (c as Conn).destroy(),
  };
  for (const [name, onTooLong] of Object.entries(endings)) {
    test(`after ${name}() by a callback of the codec no frame arrives`, async (t) => {
      const seen: string[] = [];
      const handler: EventHandler = { react: (frame) => void seen.push(String(frame)) };
      const codec = new LineBasedFrameCodec({ maxFrameLength: 4, skipTooLong: true, onTooLong });
      const rig = await startRig(t, handler, { codec });
      const client = await connect(t, rig);
      client.write('one\ntoolong\ntwo\nthree\n');
      client.end();
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
      assert.deepEqual(seen, ['one']);
    });
  }

  test('after close() the end of the peer is no event, even if it came with the frame', async (t) => {
    const seen: string[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        seen.push(String(frame));
        c.close();
        // The end arrives meanwhile, where it has not yet.
        block(10);
      },
      onEnd: () => void seen.push('end'),
      onClosed: () => void seen.push('closed'),
    };
    const rig = await startRig(t, handler);
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(t, rig)));
    for (const client of clients) {
      client.write('x');
      client.end();
    }
    await waitUntil(() => seen.filter((event) => event === 'closed').length === 10, 'onClosed');
    assert.deepEqual(seen.toSorted(), [...Array(10).fill('closed'), ...Array(10).fill('x')]);
  });
});
