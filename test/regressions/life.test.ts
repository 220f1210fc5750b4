/** Starting and stopping: listeners that stayed, signals and limits that were not obeyed. */
import { strict as assert } from 'node:assert';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Conn, type Server, serve, stop } from 'gnet';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { codeOf, connect, EchoHandler, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('serve', () => {
  test('many servers have one listener of the process, and none when they are down', async () => {
    const before = process.listenerCount('exit');
    const servers: Server[] = [];
    for (let count = 0; count < 12; count++) servers.push(await serve({}, 'tcp://127.0.0.1:0'));
    assert.equal(process.listenerCount('exit'), before + 1);
    await Promise.all(servers.map((server) => server.close()));
    assert.equal(process.listenerCount('exit'), before);
  });

  test('a server that is down is held by nothing of ours', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const serveOnce = async (): Promise<WeakRef<Server>> => {
      const server = await serve(new EchoHandler(), 'tcp://127.0.0.1:0');
      await server.stop();
      return new WeakRef(server);
    };
    const servers: WeakRef<Server>[] = [];
    for (let count = 0; count < 5; count++) servers.push(await serveOnce());
    const isHeld = (one: WeakRef<Server>): boolean => one.deref() !== undefined;
    for (let turns = 0; turns < 100 && servers.some(isHeld); turns++) {
      await nextTurn();
      collect();
    }
    // The last one may still stand in a register or a frame of the runtime.
    assert.ok(servers.filter(isHeld).length <= 1);
  });

  test('leaves nothing on a signal that outlives the server', async () => {
    const { signal } = new AbortController();
    for (let count = 0; count < 3; count++) {
      const server = await serve({}, 'tcp://127.0.0.1:0', { signal });
      assert.equal(getEventListeners(signal, 'abort').length, 1);
      await server.stop();
      await server.closed;
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    }
  });

  test('rejects when the signal aborts inside onInitComplete, with nothing left open', async (t) => {
    await (await serve({}, 'tcp://127.0.0.1:0')).close(); // what is opened once per process
    const before = openDescriptors();
    const controller = new AbortController();
    let down = 0;
    const handler = {
      onInitComplete: () => controller.abort(new Error('changed my mind')),
      onShutdown: () => void down++,
    };
    t.after(() => assert.equal(down, 1));
    const { signal } = controller;
    await assert.rejects(serve(handler, 'tcp://127.0.0.1:0', { signal }), /changed my mind/);
    await assertNoNewDescriptors(before);
  });
});

describe('conn', () => {
  test('refuses an id of another server: its bytes must not reach somebody else', async (t) => {
    const ids: number[] = [];
    const handler = { onOpened: (c: Conn) => void ids.push(c.id) };
    const rigs = [
      await startRig(t, handler),
      await startRig(t, handler),
      await startRig(t, handler),
    ];
    for (const rig of rigs) {
      await connect(t, rig);
      await waitUntil(() => rig.events.includes('open'), 'open');
    }
    for (const [owner, id] of ids.entries()) {
      for (const [asked, { server }] of rigs.entries()) {
        if (owner === asked) assert.equal(server.conn(id).id, id);
        else assert.throws(() => server.conn(id), { code: 'ErrConnClosed' });
      }
    }
  });
});

describe('stop', () => {
  test('with timeout Infinity forces nobody', async (t) => {
    const rig = await startRig(t, new EchoHandler(), { closeTimeout: 300 });
    await connect(t, rig); // it never ends by itself
    await waitUntil(() => rig.events.includes('open'), 'open');
    assert.deepEqual(await rig.server.stop({ timeout: Number.POSITIVE_INFINITY }), { forced: 0 });
  });

  test('refuses a timeout that is none', async (t) => {
    const rig = await startRig(t, {});
    for (const timeout of [-1, Number.NaN, '5' as unknown as number]) {
      const error: unknown = await rig.server.stop({ timeout }).then(
        () => 'it did',
        (reason: unknown) => reason,
      );
      assert.equal(codeOf(error), 'ErrInvalidOption');
    }
    assert.deepEqual(rig.events, ['init']);
  });

  test('by a signal that a handler aborts calls onClosed after the handler', async (t) => {
    const controller = new AbortController();
    const log: string[] = [];
    const rig = await startRig(t, {
      onOpened(c: Conn) {
        c.context = 'mine';
      },
      react(_frame, c: Conn) {
        void rig.server.stop({ timeout: 60_000, signal: controller.signal });
        controller.abort();
        log.push(`react ends with ${String(c.context)}`);
      },
      onClosed: () => void log.push('closed'),
    });
    const client = await connect(t, rig);
    client.write(Buffer.from('x'));
    await rig.server.closed;
    assert.deepEqual(log, ['react ends with mine', 'closed']);
    assert.deepEqual(await rig.server.stop(), { forced: 1 });
  });

  test('finds a server by its real address with a scheme, and tells tcp from udp', async (t) => {
    const udp = await startRig(t, {}, {}, 'udp://127.0.0.1:0');
    const tcp = await startRig(t, {}, {}, 'tcp://127.0.0.1:0');
    await assert.rejects(stop(`udp://${tcp.server.addr}`));
    await stop(`tcp://${tcp.server.addr}`);
    assert.deepEqual(udp.events, ['init']);
    await stop(`udp://${udp.server.addr}`);
    assert.deepEqual(udp.events, ['init', 'shutdown']);
  });
});
