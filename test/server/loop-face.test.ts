/** `c.loop` and `server.loops`: functions on a loop, timers of it, connections that it registers. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import {
  type Conn,
  ErrInvalidNetworkAddress,
  ErrInvalidOption,
  ErrServerInShutdown,
  ErrUnsupportedOp,
  type EventLoop,
  loopIndex,
  serve,
} from 'gnet';
import { notOn } from '../support/driver.ts';
import { pair, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const noFunctions = [undefined, 'fn', 1, {}];

test('a server with one loop has it here, under the same number as its connections', async (t) => {
  const shared = { greeting: 'hello' };
  const { rig, c } = await pair(t, {}, { shared });
  const [loop, ...others] = rig.server.loops;
  assert.equal(c.loop, loop);
  assert.deepEqual([loop?.index, loop?.isHere, loopIndex, others.length], [0, true, 0, 0]);
  assert.equal(loop?.shared, shared);
  assert.equal(rig.server.shared, shared);
});

test('what cannot go to other threads is not shared', async () => {
  for (const shared of [() => {}, { fn() {} }, Symbol('s')]) {
    await assert.rejects(serve({}, 'tcp://127.0.0.1:0', { shared }), ErrInvalidOption);
  }
});

describe('execute', () => {
  test('calls once, in order, later, and in the context of serve', async (t) => {
    const storage = new AsyncLocalStorage<string>();
    const { rig, c } = await storage.run('serve', () => pair(t));
    const seen: unknown[] = [];
    storage.run('elsewhere', () => {
      c.loop.execute(() => void seen.push('a', storage.getStore()));
      rig.server.loops[0]?.execute(() => {
        seen.push('b');
        c.loop.execute(() => void seen.push('c'));
      });
    });
    assert.deepEqual(seen, []);
    await waitUntil(() => seen.length === 4, 'all of them');
    assert.deepEqual(seen, ['a', 'serve', 'b', 'c']);
  });

  test('what fails is reported, and the loop goes on', async (t) => {
    const { rig, c, client } = await pair(t, { react: (frame) => frame });
    c.loop.execute(() => {
      throw new Error('thrown');
    });
    c.loop.execute(() => Promise.reject(new Error('rejected')));
    await waitUntil(() => rig.reports.length > 0, 'a report');
    client.write('x');
    assert.equal(String(await client.readExactly(1)), 'x');
    for (const fn of noFunctions)
      assert.throws(() => c.loop.execute(fn as never), ErrInvalidOption);
  });
});

describe('schedule', () => {
  test('calls once, not early, unless it is called off', async (t) => {
    const { c } = await pair(t);
    const begun = performance.now();
    let late = 0;
    let other = 0;
    c.loop.schedule(() => void other++, 5);
    c.loop.schedule(30, () => {
      late = performance.now() - begun;
    });
    const callOff = c.loop.schedule(10, () => assert.fail('it was called off'));
    callOff();
    callOff();
    await waitUntil(() => late > 0, 'the timer');
    assert.ok(late >= 29, `${late}`);
    assert.equal(other, 1);
    for (const ms of [0, -1, 1.5, 2 ** 31]) {
      assert.throws(() => c.loop.schedule(ms, () => {}), ErrInvalidOption);
    }
    for (const fn of noFunctions) {
      assert.throws(() => c.loop.schedule(1, fn as never), ErrInvalidOption);
    }
  });

  test('thousands of them outlive their connection, and none its server', async (t) => {
    const { rig, c, client } = await pair(t);
    let called = 0;
    const { loop } = c;
    for (let count = 0; count < 5_000; count++) loop.schedule(1 + (count % 20), () => called++);
    let isDown = false;
    let outlived = false;
    loop.schedule(300, () => {
      outlived = isDown;
    });
    client.destroy();
    await waitUntil(() => called === 5_000, 'all of them');
    await rig.server.stop();
    isDown = true;
    await sleep(320);
    assert.equal(outlived, false);
    assert.throws(() => loop.schedule(1, () => {}), ErrServerInShutdown);
    assert.throws(() => loop.execute(() => {}), ErrServerInShutdown);
    await assert.rejects(loop.register('tcp://127.0.0.1:1'), ErrServerInShutdown);
  });
});

test('connections are those that are open', async (t) => {
  const { rig, c, client } = await pair(t);
  const loop = rig.server.loops[0] as EventLoop;
  assert.deepEqual([...loop.connections()], [c]);
  client.destroy();
  await waitUntil(() => [...loop.connections()].length === 0, 'the close');
});

/** A server of node:net that gives back what it gets, in capitals. */
async function shouting(t: { after(fn: () => unknown): void }): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(String(data).toUpperCase()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as { port: number }).port;
}

describe('register', () => {
  test('a proxy: each connection dials its own backend, on its own loop', async (t) => {
    const port = await shouting(t);
    const { rig, client } = await pair(t, {
      async onOpened(c) {
        if (c.context !== undefined) return; // one of ours
        const backend = await c.loop.register(`tcp://127.0.0.1:${port}`, { context: c });
        assert.equal(backend.loop, c.loop);
        c.context = backend;
      },
      react(frame, c) {
        (c.context as Conn).asyncWrite(frame ?? '');
      },
      onClosed: (c) => (c.context as Conn | undefined)?.close(),
    });
    client.write('what a day');
    assert.equal(String(await client.readExactly(10)), 'WHAT A DAY');
    assert.equal(rig.server.countConnections(), 2);
  });

  test('over TLS, too: what is dialled is plain', async (t) => {
    const port = await shouting(t);
    const { c } = await pair(t, {}, {}, 'tls://127.0.0.1:0');
    const seen: string[] = [];
    const handler = { react: (frame: Buffer | null) => void seen.push(String(frame)) };
    const backend = await c.loop.register(`tcp://127.0.0.1:${port}`, { handler });
    assert.equal(backend.tls, undefined);
    backend.asyncWrite('plain');
    await waitUntil(() => seen.join('') === 'PLAIN', 'the answer');
  });

  test('rejects as dial does, and is given up by a stop', async (t) => {
    const { rig, c } = await pair(t);
    const { loop } = c;
    await assert.rejects(loop.register('tcp://127.0.0.1:1'), { code: 'ECONNREFUSED' });
    await assert.rejects(loop.register('howdy'), ErrInvalidNetworkAddress);
    await assert.rejects(loop.register('tls://127.0.0.1:1'), ErrUnsupportedOp);
    for (const wrong of [undefined, -1, 1.5, {}]) {
      await assert.rejects(loop.register(wrong as never), ErrInvalidOption);
    }
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(loop.register('tcp://127.0.0.1:1', { signal }), /enough/);
    const pending = loop.register('tcp://localhost:1');
    void rig.server.stop();
    await assert.rejects(pending, (error) => error instanceof Error);
  });

  test(
    'a socket that was opened elsewhere',
    notOn('node', 'its sockets have no descriptors'),
    async (t) => {
      const seen: string[] = [];
      const { c } = await pair(t, { onOpened: (one) => void seen.push(String(one.context)) });
      const { socketPair } = await import('../../src/syscall/socket.ts');
      const [ours, theirs] = socketPair() as readonly [number, number];
      const registered = await c.loop.register(ours, { context: 'first' });
      const other = await c.loop.register(theirs, {
        context: 'second',
        handler: { react: (frame) => frame },
      });
      assert.deepEqual(seen, ['undefined', 'first']);
      registered.setHandler({ react: (frame) => void seen.push(String(frame)) });
      registered.asyncWrite('round');
      await waitUntil(() => seen.at(-1) === 'round', 'the echo');
      assert.equal(other.loop, c.loop);
      await assert.rejects(c.loop.register(0x7f_ff_ff), { code: 'EBADF' });
    },
  );
});

test('a server that is not started yet has its loop', async (t) => {
  const seen: unknown[] = [];
  const rig = await startRig(t, {
    onInitComplete(server) {
      server.loops[0]?.execute(() => void seen.push('executed'));
    },
  });
  await waitUntil(() => seen.length === 1, 'the call');
  await rig.server.stop();
});
