/** A handler, a codec or a logger that throws ends its own connection and nothing else (issue 2). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Action,
  ErrCodec,
  ErrCorruptedFrame,
  ErrHandler,
  type EventHandler,
  type FrameSource,
  type ICodec,
  LineBasedFrameCodec,
  type Options,
  serve,
} from 'gnet';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { beginConnect, connect, type Rig, startRig, type TestScope, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const thrown = new Error('thrown by the test');
const fail = (): never => {
  throw thrown;
};

/** The server still serves: another connection is opened, echoes and ends without an error. */
async function assertServes(t: TestScope, rig: Rig, line = 'fine\n'): Promise<void> {
  const client = await connect(t, rig);
  client.write(line);
  assert.equal(text(await client.readExactly(line.length)), line);
  client.end();
}

function assertHandlerError(error: Error | undefined, method: string): void {
  assert.ok(error instanceof ErrHandler);
  assert.equal(error.cause, thrown);
  assert.match(error.message, new RegExp(`${method} threw`));
}

describe('events that throw', () => {
  test('onInitComplete: serve rejects with what it threw, and leaves nothing open', async () => {
    await (await serve({}, 'tcp://127.0.0.1:0')).close();
    const descriptors = openDescriptors();
    const handler: EventHandler = { onInitComplete: fail, onShutdown: () => assert.fail() };
    await assert.rejects(serve(handler, 'tcp://127.0.0.1:0'), thrown);
    await assertNoNewDescriptors(descriptors);
  });

  for (const later of [false, true]) {
    test(`onOpened${later ? ', later' : ''}: its connection closes with ErrHandler`, async (t) => {
      let first = true;
      const handler: EventHandler = {
        onOpened() {
          if (!first) return undefined;
          first = false;
          return (later ? settle(5).then(fail) : fail()) as never;
        },
        react: (frame) => frame,
      };
      const rig = await startRig(t, handler);
      const client = await connect(t, rig);
      assert.equal((await client.readUntilEnd()).length, 0);
      client.end();
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.ok(rig.closeErrors[0] instanceof ErrHandler);
      assert.equal(rig.closeErrors[0].cause, thrown);
      await assertServes(t, rig);
    });
  }

  test('react: earlier answers go out, later frames do not come, ErrHandler', async (t) => {
    const handler: EventHandler = {
      react: (frame) => (String(frame) === 'throw' ? fail() : frame),
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('one\ntwo\nthrow\nthree\n');
    assert.equal(text(await client.readUntilEnd()), 'one\ntwo\n');
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assertHandlerError(rig.closeErrors[0], 'react');
    assert.equal(rig.reports.length, 1);
    assert.equal(rig.reports[0]?.err, thrown);
    await assertServes(t, rig);
  });

  test('react on wake: ErrHandler', async (t) => {
    const handler: EventHandler = { react: (frame, c) => (frame === null ? fail() : c.wake()) };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assertHandlerError(rig.closeErrors[0], 'react');
  });

  test('something that is no Error', async (t) => {
    const handler: EventHandler = {
      react(): never {
        throw 'a string';
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrHandler);
    assert.equal(rig.closeErrors[0].cause, 'a string');
  });

  test('onClosed: reported, and the connection is gone all the same', async (t) => {
    let count = 0;
    const handler: EventHandler = {
      onClosed: () => (++count === 1 ? fail() : Action.None),
      react: (frame) => frame,
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.end();
    await client.readUntilEnd();
    await waitUntil(() => rig.reports.length === 1, 'the report');
    assert.equal(rig.reports[0]?.message, 'onClosed threw');
    await assertServes(t, rig);
    await rig.server.stop();
    assert.equal(rig.server.countConnections(), 0);
  });

  test('onEnd: ErrHandler, and what is pending goes out', async (t) => {
    const handler: EventHandler = { onEnd: fail, react: (frame) => frame };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('last');
    client.end();
    assert.equal(text(await client.readUntilEnd()), 'last');
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assertHandlerError(rig.closeErrors[0], 'onEnd');
  });

  test('onDrain: ErrHandler', async (t) => {
    const handler: EventHandler = {
      onDrain: fail,
      react: (frame) => (String(frame) === 'large' ? Buffer.alloc(16_777_216) : frame),
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.pauseReading();
    client.write('large');
    await settle(30);
    client.resumeReading();
    assert.equal((await client.readUntilEnd()).length, 16_777_216);
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assertHandlerError(rig.closeErrors[0], 'onDrain');
    await assertServes(t, rig);
  });

  test('signalClose: the others are still told, and the stop ends', async (t) => {
    let told = 0;
    const handler: EventHandler = {
      signalClose() {
        told++;
        if (told === 1) fail();
      },
    };
    const rig = await startRig(t, handler);
    const clients = [await connect(t, rig), await connect(t, rig)];
    await waitUntil(() => rig.events.length === 3, 'two are open');
    const stopped = rig.server.stop();
    for (const client of clients) {
      await client.readUntilEnd();
      client.end();
    }
    assert.deepEqual(await stopped, { forced: 0 });
    assert.equal(told, 2);
    const codes = rig.events.filter((event) => event.startsWith('closed')).sort();
    assert.deepEqual(codes, ['closed', 'closed(ErrHandler)']);
  });

  for (const later of [false, true]) {
    test(`tick${later ? ', later' : ''}: reported, and it is called again`, async (t) => {
      let ticks = 0;
      const handler: EventHandler = {
        tick() {
          ticks++;
          if (ticks > 1) return [1, Action.Shutdown];
          return later ? Promise.reject(thrown) : fail();
        },
      };
      const rig = await startRig(t, handler, { ticker: true });
      await rig.server.closed;
      assert.equal(ticks, 2);
      assert.match(rig.reports[0]?.message ?? '', /tick failed/);
    });
  }

  test('onShutdown: reported, and the server is down', async (t) => {
    const rig = await startRig(t, { onShutdown: fail });
    await rig.server.stop();
    await rig.server.closed;
    assert.deepEqual(rig.reports, [{ level: 'error', message: 'onShutdown threw', err: thrown }]);
  });

  test('a logger that throws does not reach the loop', async (t) => {
    const logger = { debug: fail, info: fail, warn: fail, error: fail, fatal: fail };
    const handler: EventHandler = {
      react: (frame) => (String(frame) === 'throw' ? fail() : frame),
    };
    const rig = await startRig(t, handler, { logger });
    const client = await connect(t, rig);
    client.write('throw');
    await client.readUntilEnd();
    client.end();
    await assertServes(t, rig);
  });
});

describe('codecs that throw', () => {
  class LineCodec implements ICodec {
    readonly #lines = new LineBasedFrameCodec();
    decode(c: FrameSource): Buffer | null {
      const frame = this.#lines.decode(c);
      if (frame?.toString() === 'throw in decode') fail();
      if (frame?.toString() === 'corrupt') throw new ErrCorruptedFrame('corrupt on purpose');
      return frame;
    }
    encode(c: FrameSource, bytes: Uint8Array): Uint8Array {
      const line = Buffer.from(bytes).toString();
      if (line === 'throw in encode') fail();
      if (line === 'give nonsense') return 5 as never;
      return this.#lines.encode(c, bytes);
    }
  }
  const echo: EventHandler = { react: (frame) => frame };
  const options: Options = { codec: new LineCodec() };

  for (const [command, code] of [
    ['throw in decode', 'ErrCodec'],
    ['corrupt', 'ErrCorruptedFrame'],
    ['throw in encode', 'ErrCodec'],
    ['give nonsense', 'ErrInvalidReply'],
  ] as const) {
    test(`'${command}': ${code}, earlier frames answered, later ones dropped`, async (t) => {
      const rig = await startRig(t, echo, options);
      const client = await connect(t, rig);
      client.write(`one\ntwo\n${command}\nthree\n`);
      assert.equal(text(await client.readUntilEnd()), 'one\ntwo\n');
      client.end();
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      const error = rig.closeErrors[0] as ErrCodec;
      assert.deepEqual(rig.events, ['init', 'open', `closed(${error.code})`]);
      assert.equal(error.code, code);
      if (error instanceof ErrCodec) assert.equal(error.cause, thrown);
      await assertServes(t, rig);
    });
  }

  test('encode of asyncWrite throws to the caller, and nothing is sent', async (t) => {
    const seen: unknown[] = [];
    const handler: EventHandler = {
      onOpened(c) {
        try {
          c.asyncWrite('throw in encode');
        } catch (error) {
          seen.push(error);
        }
        c.flushWrite('throw in encode').catch((error: unknown) => seen.push(error));
        c.asyncWrite('good');
      },
      react: (frame) => frame,
    };
    const rig = await startRig(t, handler, options);
    const client = await connect(t, rig);
    assert.equal(text(await client.readExactly(5)), 'good\n');
    assert.deepEqual(seen, [thrown, thrown]);
  });

  for (const [name, factory] of [
    ['throws', fail],
    ['makes no codec', () => ({}) as ICodec],
  ] as const) {
    test(`a factory that ${name} costs that connection only`, async (t) => {
      let count = 0;
      const codec = (): ICodec => (++count === 2 ? factory() : new LineBasedFrameCodec());
      const rig = await startRig(t, echo, { codec });
      await assertServes(t, rig);
      const client = beginConnect(t, rig.server.addr);
      await waitUntil(() => client.ended || client.closed, 'it is turned away');
      assert.equal(client.receivedBytes, 0);
      client.destroy();
      await assertServes(t, rig);
      assert.equal(rig.reports.length, 1);
      await waitUntil(() => rig.server.countConnections() === 0, 'all are gone');
      assert.deepEqual(rig.events, ['init', 'open', 'closed', 'open', 'closed']);
    });
  }
});
