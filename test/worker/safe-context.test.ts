/** `c.safeContext`: a value of a connection that every thread sees. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type ConnHandle, ErrConnClosed, ErrInvalidReply } from 'gnet';
import { connect, pair, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

async function line(client: Awaited<ReturnType<typeof connect>>): Promise<string> {
  let text = '';
  while (!text.endsWith('\n')) text += String(await client.readExactly(1));
  return text.trimEnd();
}

async function started(t: TestScope) {
  const { server } = await startLoops(t, handlerModule('safe-context.ts'), { numEventLoop: 2 });
  const client = await connect(t, server.addr);
  const handle: ConnHandle = server.conn(Number(await line(client)));
  return { client, handle };
}

test('of another thread is read and set by a handle, in the order of the calls', async (t) => {
  const { client, handle } = await started(t);
  assert.equal(await handle.context(), undefined);
  const value = { list: [1n, new Map([['a', new Date(5)]])], big: 'x'.repeat(300_000) };
  await handle.setContext(value);
  assert.deepEqual(await handle.context(), value);
  const sets = ['first', 'second', { third: true }].map((one) => handle.setContext(one));
  assert.deepEqual(await handle.context(), { third: true });
  await Promise.all(sets);
  client.write('get');
  assert.equal(await line(client), '{"third":true}');
  client.write('hello');
  assert.equal(await line(client), 'set');
  const seen = (await handle.context()) as { said: string; at: Date; bytes: Uint8Array };
  assert.deepEqual(
    [seen.said, seen.at.getTime(), String.fromCharCode(...seen.bytes)],
    ['hello', 0, 'b'],
  );
});

test('what cannot go to other threads is refused, and nothing is reached after the close', async (t) => {
  const { client, handle } = await started(t);
  for (const value of [() => {}, Symbol('s'), { fn() {} }, new SharedArrayBuffer(4)]) {
    await assert.rejects(handle.setContext(value), ErrInvalidReply);
  }
  client.destroy();
  await waitUntil(() => client.closed, 'the close');
  for (let tries = 0; ; tries++) {
    // The loop hears of it a little later.
    const error = await handle.context().then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error === null && tries < 1_000) continue;
    assert.ok(error instanceof ErrConnClosed);
    break;
  }
  await assert.rejects(handle.setContext(1), ErrConnClosed);
});

describe('what cannot be copied from thread to thread', () => {
  for (const value of ['function', 'deep']) {
    test(`${value}, set on the thread of the loop: who asks hears of it`, async (t) => {
      const { client, handle } = await started(t);
      client.write(value);
      assert.equal(await line(client), 'set');
      await assert.rejects(handle.context(), ErrInvalidReply);
      await handle.setContext('plain');
      assert.equal(await handle.context(), 'plain');
      client.write('get');
      assert.equal(await line(client), '"plain"');
    });
  }

  test('set from a thread with a larger stack: it hears of it, and nobody else', async (t) => {
    const { c, rig } = await pair(t);
    const source = `
      const { connHandle } = await import(${JSON.stringify(import.meta.resolve('gnet'))});
      const { deepValue } = await import(${JSON.stringify(import.meta.resolve('./handlers/deep-value.ts'))});
      const { parentPort, workerData } = await import('node:worker_threads');
      const handle = connHandle(workerData);
      const refused = await handle.setContext(deepValue()).catch(({ code }) => code);
      await handle.setContext('plain');
      parentPort.postMessage([refused, await handle.context()]);`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: rig.server.conn(c.id),
      resourceLimits: { stackSizeMb: 8 },
    });
    t.after(() => worker.terminate());
    const [seen] = await once(worker, 'message');
    assert.deepEqual(seen, ['ErrInvalidReply', 'plain']);
    assert.equal(c.safeContext, 'plain');
  });
});

test('is set from a worker of the program, too', async (t) => {
  const { handle } = await started(t);
  const source = `
    const { connHandle } = await import(${JSON.stringify(import.meta.resolve('gnet'))});
    const { parentPort, workerData } = await import('node:worker_threads');
    const handle = connHandle(workerData);
    await handle.setContext({ from: 'a worker' });
    parentPort.postMessage(await handle.context());`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: handle,
  });
  t.after(() => worker.terminate());
  const seen: unknown[] = [];
  worker.on('message', (message) => void seen.push(message));
  worker.on('error', (error) => void seen.push(error));
  await waitUntil(() => seen.length === 1, 'the worker');
  assert.deepEqual(seen, [{ from: 'a worker' }]);
});

test('on its own thread it is a member, and a handle sees the same', async (t) => {
  const { c, rig } = await pair(t);
  assert.equal(c.safeContext, undefined);
  const value = { mine: true };
  c.safeContext = value;
  const handle = rig.server.conn(c.id);
  assert.equal(await handle.context(), value);
  await handle.setContext('other');
  assert.equal(c.safeContext, 'other');
  assert.equal(c.context, undefined);
  c.reset();
  await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  assert.equal(c.safeContext, undefined);
  await assert.rejects(handle.context(), ErrConnClosed);
});
