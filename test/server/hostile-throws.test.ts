/** Whatever a program throws, rejects with or answers: its own connection ends, nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BuiltInFrameCodec,
  type Conn,
  ErrCodec,
  ErrHandler,
  ErrInvalidReply,
  type EventHandler,
  type FrameSource,
  type ICodec,
  type Options,
  serve,
} from 'gnet';
import { hostileThings } from '../../testing/hostile-things.ts';
import { kernelSpreads, notOn } from '../support/driver.ts';
import { connect, startRig, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

type Throw = () => never;

/** Where a program may throw while it handles one frame. */
const places: Readonly<Record<string, (fail: Throw) => [EventHandler, Options]>> = {
  react: (fail) => [{ react: fail }, {}],
  'the promise of react': (fail) => [{ react: async () => fail() }, {}],
  'a thenable of react': (fail) => [{ react: () => thenable(fail) }, {}],
  onEnd: (fail) => [{ onEnd: fail }, {}],
  decode: (fail) => [{}, { codec: failingCodec(fail, BuiltInFrameCodec.prototype.encode) }],
  encode: (fail) => [
    { react: (frame) => frame },
    { codec: failingCodec(BuiltInFrameCodec.prototype.decode, fail) },
  ],
};

function thenable(fail: Throw): Promise<never> {
  const rejecting = {
    // biome-ignore lint/suspicious/noThenProperty: the thing to be tested
    then: (_settled: unknown, rejected: (thrown: unknown) => void) => {
      try {
        fail();
      } catch (thrown) {
        rejected(thrown);
      }
    },
  };
  return rejecting as unknown as Promise<never>;
}

function failingCodec(decode: ICodec['decode'], encode: ICodec['encode']): () => ICodec {
  const plain = new BuiltInFrameCodec();
  return () => ({
    decode: (c: FrameSource) => decode.call(plain, c),
    encode: (c: FrameSource, bytes: Uint8Array) => encode.call(plain, c, bytes),
  });
}

function throwing(make: () => unknown): Throw {
  return () => {
    throw make();
  };
}

describe('what is thrown', () => {
  for (const [place, handlerOf] of Object.entries(places)) {
    for (const [thing, make] of Object.entries(hostileThings)) {
      test(`in ${place}: ${thing} ends that connection, a bystander stays`, async (t) => {
        const [handler, options] = handlerOf(throwing(make));
        const rig = await startRig(t, handler, options);
        const bystander = await connect(t, rig);
        const client = await connect(t, rig);
        await waitUntil(() => rig.server.countConnections() === 2, 'two connections');
        client.write('x');
        client.end();
        await client.readUntilEnd();
        await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
        const error = rig.closeErrors[0];
        assert.ok(error instanceof (place.endsWith('code') ? ErrCodec : ErrHandler));
        assert.match(error.message, /threw ./);
        assert.ok(rig.reports.every(({ err }) => err instanceof Error));
        assert.equal(rig.server.countConnections(), 1);
        bystander.destroy();
      });
    }
  }

  for (const [thing, make] of Object.entries(hostileThings)) {
    test(`in signalClose: ${thing}, and the stop ends in order`, async (t) => {
      const rig = await startRig(t, { signalClose: throwing(make) });
      const client = await connect(t, rig);
      await waitUntil(() => rig.server.countConnections() === 1, 'the connection');
      const stopped = rig.server.stop();
      await client.readUntilEnd();
      client.end();
      assert.equal((await stopped).forced, 0);
      assert.ok(rig.closeErrors[0] instanceof ErrHandler);
    });
  }

  test(
    'in a loop on a thread of its own: signalClose of two loops',
    notOn('node', kernelSpreads),
    async (t) => {
      const handlers = new URL('../worker/handlers/throws.ts', import.meta.url);
      const options = { numEventLoop: 2, logLevel: 'silent' } as const;
      const server = await serve(handlers, 'tcp://127.0.0.1:0', options);
      t.after(() => server.close());
      const clients = [await connect(t, server.addr), await connect(t, server.addr)];
      await waitUntil(() => server.countConnections() === 2, 'two connections');
      const stopped = server.stop();
      for (const client of clients) {
        await client.readUntilEnd();
        client.end();
      }
      assert.equal((await stopped).forced, 0);
    },
  );
});

describe('what is answered', () => {
  const answers: Readonly<Record<string, () => unknown>> = {
    ...hostileThings,
    'a promise whose constructor throws': () =>
      Object.defineProperty(Promise.resolve('x'), 'constructor', {
        get() {
          throw new Error('an accessor of a promise');
        },
      }),
    'a proxy of bytes': () => new Proxy(new Uint8Array(3), {}),
  };
  for (const [thing, make] of Object.entries(answers)) {
    for (const later of [false, true]) {
      test(`${thing}${later ? ', by a promise' : ''}: never an error of the codec`, async (t) => {
        const react = (): never => (later ? Promise.resolve([make()]) : make()) as never;
        const rig = await startRig(t, { react });
        const bystander = await connect(t, rig);
        const client = await connect(t, rig);
        client.write('x');
        await client.readUntilEnd();
        client.end();
        await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
        const [error] = rig.closeErrors;
        assert.ok(error instanceof ErrInvalidReply || error instanceof ErrHandler, String(error));
        bystander.destroy();
      });
    }
  }
});

describe('calls that have no end', () => {
  test('a write in preWrite is taken, and calls no preWrite itself', async (t) => {
    let calls = 0;
    const handler: EventHandler = {
      react: (frame) => frame,
      preWrite(c) {
        calls++;
        c.asyncWrite('<');
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    assert.equal(text(await client.readExactly(2)), '<x');
    assert.equal(calls, 1);
    assert.deepEqual(rig.reports, []);
  });

  test('two connections whose preWrite writes to the other', async (t) => {
    const connections: Conn[] = [];
    const handler: EventHandler = {
      onOpened: (c) => void connections.push(c),
      react: (frame) => frame,
      preWrite(c) {
        for (const other of connections) if (other !== c) other.asyncWrite('o');
      },
    };
    const rig = await startRig(t, handler);
    const clients = [await connect(t, rig), await connect(t, rig)] as const;
    await waitUntil(() => connections.length === 2, 'two connections');
    clients[0].write('x');
    assert.equal(text(await clients[0].readExactly(1)), 'x');
    assert.equal(text(await clients[1].readExactly(1)), 'o');
  });

  test('an encoder that writes by its own connection: that connection fails', async (t) => {
    const codec: ICodec = {
      decode: (c) => new BuiltInFrameCodec().decode(c),
      encode(c, bytes) {
        (c as unknown as Conn).asyncWrite('again');
        return bytes;
      },
    };
    const rig = await startRig(t, { react: (frame) => frame }, { codec });
    const bystander = await connect(t, rig);
    const client = await connect(t, rig);
    client.write('x');
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.ok(rig.closeErrors[0] instanceof ErrCodec);
    assert.equal(rig.server.countConnections(), 1);
    bystander.destroy();
  });
});
