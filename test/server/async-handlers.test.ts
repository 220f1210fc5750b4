/** A frame is valid until the handler settles (DESIGN, decision 8 and Async handlers). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Action, type Conn, ErrHandler, type EventHandler, LineBasedFrameCodec } from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { Random } from 'gnet/testing';
import {
  assertSameBytes,
  connect,
  freeAddress,
  startRig,
  everyTransport,
  text,
} from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const pattern = new BytePattern(8);

/** A promise that a test settles. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

for (const transport of everyTransport) {
  describe(`${transport}: frames held across awaits`, () => {
    for (const [name, bytes] of [
      ['small', 100],
      ['a few KiB', 6_000],
      ['as large as a read', 65_536],
    ] as const) {
      test(`${name}: those of 40 connections stay whole while traffic goes on`, async (t) => {
        const random = new Random(bytes);
        const handler: EventHandler = {
          async react(frame) {
            assert.ok(frame !== null);
            const before = Buffer.from(frame);
            for (let turn = 0; turn < 4; turn++) await sleep(random.below(5));
            assertSameBytes(frame, before, 'a lent frame');
            return frame;
          },
        };
        const rig = await startRig(t, handler, {}, freeAddress(t, transport));
        await Promise.all(
          Array.from({ length: 40 }, async (_, number) => {
            const client = await connect(t, rig);
            for (let round = 0; round < 4; round++) {
              const sent = pattern.slice(number * 70_001 + round * 333, bytes);
              client.write(sent);
              assertSameBytes(await client.readExactly(bytes), sent, 'an echo');
            }
          }),
        );
        assert.deepEqual(rig.reports, []);
      });
    }

    test('with a codec: frames that share a read, and leftovers behind them', async (t) => {
      const handler: EventHandler = {
        async react(frame) {
          const before = Buffer.from(frame ?? '');
          await sleep(1);
          assertSameBytes(frame ?? Buffer.alloc(0), before, 'a lent frame');
          return frame;
        },
      };
      const options = { codec: new LineBasedFrameCodec() };
      const rig = await startRig(t, handler, options, freeAddress(t, transport));
      await Promise.all(
        Array.from({ length: 10 }, async (_, number) => {
          const client = await connect(t, rig);
          const lines = Array.from(
            { length: 12 },
            (_unused, line) =>
              `${String.fromCharCode(97 + number).repeat(1 + line * 700)}${line}\n`,
          ).join('');
          for (let offset = 0; offset < lines.length; offset += 9_001) {
            client.write(lines.slice(offset, offset + 9_001));
            await sleep(1);
          }
          assert.ok(text(await client.readExactly(lines.length)) === lines, 'the lines');
        }),
      );
      assert.deepEqual(rig.reports, []);
    });
  });
}

describe('the order of things', () => {
  test('later frames wait for the promise, and are answered in order', async (t) => {
    const running: string[] = [];
    const gates = new Map(['one', 'two', 'three'].map((name) => [name, gate()]));
    const handler: EventHandler = {
      async react(frame) {
        const name = String(frame);
        running.push(name);
        await gates.get(name)?.opened;
        return name;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('one\ntwo\n');
    await waitUntil(() => running.length > 0, 'the first');
    client.write('three\n');
    await settle(20);
    assert.deepEqual(running, ['one']);
    gates.get('two')?.open();
    await settle(5);
    assert.deepEqual(running, ['one']);
    gates.get('one')?.open();
    await waitUntil(() => running.length === 3, 'the third');
    gates.get('three')?.open();
    assert.equal(text(await client.readExactly(14)), 'one\ntwo\nthree\n');
  });

  test('a promise of one connection holds up no other', async (t) => {
    const handler: EventHandler = {
      react: (frame) => (String(frame) === 'stuck' ? new Promise<never>(() => {}) : frame),
    };
    const rig = await startRig(t, handler);
    const [stuck, client] = [await connect(t, rig), await connect(t, rig)];
    stuck.write('stuck');
    await settle(5);
    for (let round = 0; round < 20; round++) {
      client.write('fine');
      assert.equal(text(await client.readExactly(4)), 'fine');
    }
  });

  test('synchronous and asynchronous answers of one connection keep their order', async (t) => {
    let count = 0;
    const handler: EventHandler = {
      react(frame) {
        const copy = String(frame);
        return ++count % 3 === 0 ? sleep(1).then(() => copy) : copy;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    const lines = Array.from({ length: 60 }, (_, line) => `${line}\n`).join('');
    client.write(lines);
    assert.equal(text(await client.readExactly(lines.length)), lines);
  });

  test('wakes wait for the promise, too', async (t) => {
    const calls: string[] = [];
    const handler: EventHandler = {
      async react(frame, c) {
        calls.push(frame === null ? 'wake' : 'frame');
        if (frame !== null) {
          c.wake();
          c.wake();
          await settle(20);
        }
        calls.push('end');
        return frame === null ? 'w' : 'f';
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    assert.equal(text(await client.readExactly(3)), 'fww');
    assert.deepEqual(calls, ['frame', 'end', 'wake', 'end', 'wake', 'end']);
  });

  test('writes go out while a promise is open', async (t) => {
    const held = gate();
    const handler: EventHandler = {
      async react(_frame, c) {
        await c.flushWrite('before ');
        await held.opened;
        return 'after';
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    assert.equal(text(await client.readExactly(7)), 'before ');
    held.open();
    assert.equal(text(await client.readExactly(5)), 'after');
  });

  test('the end of the peer during a promise: later frames and the answer come first', async (t) => {
    const frames: string[] = [];
    const handler: EventHandler = {
      async react(frame) {
        const copy = String(frame);
        frames.push(copy);
        await settle(30);
        return copy;
      },
      onEnd: () => void frames.push('end'),
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('one\ntwo\n');
    client.end();
    assert.equal(text(await client.readUntilEnd()), 'one\ntwo\n');
    assert.deepEqual(frames, ['one', 'two', 'end']);
    await waitUntil(() => rig.events.length === 3, 'onClosed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed']);
  });

  test('pauseRead during a promise outlasts it', async (t) => {
    const frames: string[] = [];
    let connection: Conn | null = null;
    let isSettling = false;
    const handler: EventHandler = {
      async react(frame, c) {
        connection = c;
        frames.push(String(frame));
        c.pauseRead();
        await settle(5);
        isSettling = true;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('one\ntwo\n');
    await waitUntil(() => isSettling, 'the end of the promise');
    await settle(20);
    assert.deepEqual(frames, ['one']);
    (connection as unknown as Conn).resumeRead();
    await waitUntil(() => frames.length === 2, 'the second');
  });
});

describe('ends during a promise', () => {
  test('a rejection closes that connection with ErrHandler, its cause inside', async (t) => {
    const cause = new Error('refused');
    const handler: EventHandler = {
      async react(frame) {
        const copy = String(frame);
        await settle(5);
        if (copy === 'bad') throw cause;
        return copy;
      },
    };
    const rig = await startRig(t, handler);
    const [client, other] = [await connect(t, rig), await connect(t, rig)];
    client.write('bad');
    assert.equal((await client.readUntilEnd()).length, 0);
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrHandler);
    assert.equal(rig.closeErrors[0].cause, cause);
    assert.equal(rig.reports.length, 1);
    other.write('good');
    assert.equal(text(await other.readExactly(4)), 'good');
  });

  test('a connection that is gone when it settles: the answer goes nowhere, nothing is reported', async (t) => {
    const held = gate();
    let resumed: Buffer | null = null;
    const handler: EventHandler = {
      async react(frame, c) {
        const before = Buffer.from(frame ?? '');
        setTimeout(() => c.setTimeouts({ idleTimeout: 1 }), 1);
        await held.opened;
        assertSameBytes(frame ?? Buffer.alloc(0), before, 'a lent frame');
        resumed = before;
        return ['late', Action.Shutdown];
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write(pattern.slice(0, 8_000));
    await waitUntil(() => rig.events.includes('closed(ErrTimeout)'), 'onClosed');
    for (let round = 0; round < 5; round++) {
      const other = await connect(t, rig);
      other.write(Buffer.alloc(8_000, 'other'));
      await settle(2);
    }
    held.open();
    await waitUntil(() => resumed !== null, 'the handler');
    await settle(5);
    assert.deepEqual(rig.reports, []);
  });

  test('close() from inside: the answer goes out before the end, as a synchronous one does', async (t) => {
    const handler: EventHandler = {
      async react(_frame, c) {
        c.asyncWrite('bye ');
        c.close();
        await settle(10);
        assert.equal(c.asyncWrite('refused'), false);
        return 'late';
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    assert.equal(text(await client.readUntilEnd()), 'bye late');
    client.end();
    await waitUntil(() => rig.events.length === 3, 'onClosed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    assert.deepEqual(rig.reports, []);
  });

  test('close() with an answer that never comes: the close goes on after closeTimeout', async (t) => {
    const handler: EventHandler = {
      react(_frame, c) {
        c.setTimeouts({ closeTimeout: 50 });
        c.close();
        return new Promise<string>(() => {});
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    assert.equal((await client.readUntilEnd()).length, 0);
    client.end();
    await waitUntil(() => rig.events.length === 3, 'onClosed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed']);
  });

  test('stop: answers that are being worked on go out first', async (t) => {
    const held = gate();
    let begun = 0;
    const handler: EventHandler = {
      async react(frame, c) {
        const copy = String(frame);
        begun++;
        await held.opened;
        assert.equal(c.asyncWrite('the '), true);
        await c.flushWrite('whole ');
        return copy;
      },
    };
    const rig = await startRig(t, handler);
    const clients = [await connect(t, rig), await connect(t, rig)];
    for (const client of clients) client.write('answer');
    await waitUntil(() => begun === 2, 'both are being worked on');
    const stopped = rig.server.stop();
    await settle(5);
    held.open();
    for (const client of clients) {
      assert.equal(text(await client.readUntilEnd()), 'the whole answer');
      client.end();
    }
    assert.deepEqual(await stopped, { forced: 0 });
    assert.deepEqual(rig.reports, []);
  });

  test('a rejection after the close is not an unhandled one', async (t) => {
    const held = gate();
    let begun = 0;
    const handler: EventHandler = {
      async react() {
        begun++;
        await held.opened;
        throw new Error('too late');
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    await waitUntil(() => begun === 1, 'react');
    client.end();
    await rig.server.close();
    held.open();
    await settle(10);
    assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
  });
});
