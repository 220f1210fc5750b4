/** Every event may return a promise: what waits for it, and what its rejection does. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { Action, type Conn, ErrHandler, type EventHandler, serve } from 'gnet';
import { connect, pair, startRig, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const thrown = new Error('saving failed');
const fail = async (): Promise<never> => {
  await sleep(1);
  throw thrown;
};
/** Bytes that no socket takes at once. */
const large = Buffer.alloc(16_777_216);

describe('a rejection is a throw of its event', () => {
  test('onInitComplete: serve rejects with it', async () => {
    const handler: EventHandler = { onInitComplete: fail, onShutdown: () => assert.fail() };
    await assert.rejects(serve(handler, 'tcp://127.0.0.1:0'), thrown);
  });

  test('onEnd: its connection closes with ErrHandler, what is pending goes out', async (t) => {
    const rig = await startRig(t, { onEnd: fail, react: (frame) => frame });
    const client = await connect(t, rig);
    client.write('last');
    client.end();
    assert.equal(text(await client.readUntilEnd()), 'last');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrHandler);
    assert.match(rig.closeErrors[0].message, /onEnd threw/);
  });

  test('onDrain: its connection closes with ErrHandler', async (t) => {
    const { rig, c, client } = await pair(t, { onDrain: fail });
    client.pauseReading();
    assert.equal(c.asyncWrite(large), false);
    client.resumeReading();
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrHandler);
    assert.match(rig.closeErrors[0].message, /onDrain threw/);
  });

  test('signalClose: the others are told, and the stop ends', async (t) => {
    const { rig, client } = await pair(t, { signalClose: fail });
    const stopped = rig.server.stop();
    await client.readUntilEnd();
    client.end();
    assert.equal((await stopped).forced, 0);
    assert.ok(rig.closeErrors[0] instanceof ErrHandler);
  });

  for (const event of ['onClosed', 'preWrite'] as const) {
    test(`${event}: reported, and it goes on`, async (t) => {
      const rig = await startRig(t, { [event]: fail, react: (frame) => frame });
      const client = await connect(t, rig);
      client.write('x');
      assert.equal(text(await client.readExactly(1)), 'x');
      client.destroy();
      await waitUntil(() => rig.reports.length === 1, 'the report');
      assert.deepEqual(rig.reports, [{ level: 'error', message: `${event} threw`, err: thrown }]);
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    });
  }

  test('onShutdown: reported, and the server is down', async (t) => {
    const rig = await startRig(t, { onShutdown: fail });
    await rig.server.stop();
    assert.deepEqual(rig.reports, [{ level: 'error', message: 'onShutdown threw', err: thrown }]);
  });
});

describe('what waits for the promise', () => {
  test('serve for onInitComplete, whose Shutdown counts', async () => {
    let initialized = false;
    const handler: EventHandler = {
      async onInitComplete() {
        await sleep(5);
        initialized = true;
        return Action.Shutdown;
      },
    };
    const server = await serve(handler, 'tcp://127.0.0.1:0');
    assert.equal(initialized, true);
    await server.closed;
  });

  test('a server that is stopped in the middle of onInitComplete is down when serve resolves', async () => {
    const handler: EventHandler = {
      async onInitComplete(server) {
        await server.stop();
      },
    };
    const server = await serve(handler, 'tcp://127.0.0.1:0');
    await server.closed;
    assert.equal(server.countConnections(), 0);
  });

  test('the end of the server for onShutdown', async (t) => {
    let saved = false;
    const handler: EventHandler = {
      async onShutdown() {
        await sleep(20);
        saved = true;
      },
    };
    const rig = await startRig(t, handler);
    await rig.server.stop();
    assert.equal(saved, true);
    await rig.server.closed;
  });

  for (const allowHalfOpen of [false, true]) {
    test(`the close for onEnd${allowHalfOpen ? ', half-open' : ''}`, async (t) => {
      const handler: EventHandler = {
        async onEnd(c) {
          await sleep(20);
          c.asyncWrite('saved');
          c.close();
        },
      };
      const rig = await startRig(t, handler, { allowHalfOpen });
      const client = await connect(t, rig);
      client.end();
      assert.equal(text(await client.readUntilEnd()), 'saved');
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.deepEqual(rig.closeErrors, [undefined]);
    });
  }

  test('an onEnd that never settles has closeTimeout', async (t) => {
    const onEnd = (): Promise<void> => new Promise(() => {});
    const rig = await startRig(t, { onEnd }, { closeTimeout: 50 });
    const client = await connect(t, rig);
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    await waitUntil(() => rig.server.countConnections() === 0, 'the close');
  });

  test('the goodbye of signalClose, behind an answer that is at work', async (t) => {
    let answer: (reply: string) => void = () => {};
    let asked = false;
    const handler: EventHandler = {
      react() {
        asked = true;
        return new Promise((resolve) => (answer = resolve));
      },
      async signalClose(c) {
        await sleep(5);
        c.asyncWrite('bye');
      },
    };
    const { rig, client } = await pair(t, handler);
    client.write('x');
    await waitUntil(() => asked, 'the request');
    const stopped = rig.server.stop();
    await sleep(20);
    answer('answer, ');
    assert.equal(text(await client.readUntilEnd()), 'answer, bye');
    client.end();
    assert.equal((await stopped).forced, 0);
    assert.deepEqual(rig.closeErrors, [undefined]);
  });

  test('frames, for onOpened', async (t) => {
    const seen: string[] = [];
    const handler: EventHandler = {
      async onOpened() {
        await sleep(20);
        seen.push('opened');
        return 'hello ';
      },
      react(frame) {
        seen.push('frame');
        return frame;
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    assert.equal(text(await client.readExactly(7)), 'hello x');
    assert.deepEqual(seen, ['opened', 'frame']);
  });

  test('nothing, for onDrain and onClosed, whose Shutdown counts all the same', async (t) => {
    let drained: Conn | null = null;
    const handler: EventHandler = {
      onDrain(c) {
        drained = c;
        return new Promise(() => {});
      },
      react: (frame) => frame,
      async onClosed() {
        await sleep(1);
        return Action.Shutdown;
      },
    };
    const { rig, c, client } = await pair(t, handler);
    client.pauseReading();
    assert.equal(c.asyncWrite(large), false);
    client.resumeReading();
    await client.readExactly(large.length);
    await waitUntil(() => drained !== null, 'onDrain');
    client.write('x');
    assert.equal(text(await client.readExactly(1)), 'x');
    client.end();
    await rig.server.closed;
  });
});
