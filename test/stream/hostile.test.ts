/** Streams over connections, treated badly: what must hold whatever the program does, and when. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type Conn, client, LineBasedFrameCodec } from 'gnet';
import { attach, createConnection, type ConnSocket, frames, toDuplex, toWeb } from 'gnet/stream';
import { startRig, type TestScope } from '../support/rig.ts';
import { openSocket } from '../support/transport.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

/** A connection that the server has accepted, and its peer. */
async function accepted(t: TestScope, onOpened?: (c: Conn) => void, options = {}) {
  let opened: Conn | null = null;
  const rig = await startRig(
    t,
    {
      onOpened(c) {
        opened = c;
        onOpened?.(c);
      },
    },
    options,
  );
  const peer = await openSocket(rig.server.addr);
  peer.on('error', () => {});
  t.after(() => peer.destroy());
  await waitUntil(() => opened !== null, 'onOpened');
  return { c: opened as unknown as Conn, peer, rig };
}

describe('a connection that is gone already', () => {
  async function gone(t: TestScope): Promise<Conn> {
    const { c, rig } = await accepted(t);
    c.destroy();
    await waitUntil(() => rig.events.includes('closed'), 'onClosed');
    return c;
  }

  test('is a stream that is closed', async (t) => {
    const socket = toDuplex(await gone(t));
    await once(socket, 'close');
    assert.equal(socket.destroyed, true);
    assert.equal(socket.readyState, 'closed');
  });

  test('is web streams that have ended', async (t) => {
    const web = toWeb(await gone(t));
    await web.closed;
    assert.equal((await web.readable.getReader().read()).done, true);
    await assert.rejects(web.writable.getWriter().write('x'));
  });

  test('has no frames', async (t) => {
    for await (const frame of frames(await gone(t))) assert.fail(`there is ${frame}`);
  });
});

describe('a connection whose peer has ended before', () => {
  const open = { allowHalfOpen: true };
  async function halfGone(t: TestScope) {
    let ends = 0;
    let kept: Conn | null = null;
    const handler = {
      onOpened(c: Conn): void {
        kept = c;
      },
      onEnd: () => void ends++,
    };
    const rig = await startRig(t, handler, open);
    const peer = await openSocket(rig.server.addr);
    t.after(() => peer.destroy());
    peer.end();
    await waitUntil(() => ends === 1, 'onEnd');
    return { c: kept as unknown as Conn, peer };
  }

  test('is a stream that ends', async (t) => {
    const { c, peer } = await halfGone(t);
    const socket = toDuplex(c, open).resume();
    await once(socket, 'end');
    peer.resume();
    socket.end('bye');
    await once(peer, 'end');
  });

  test('is web streams whose readable ends', async (t) => {
    const { c } = await halfGone(t);
    const { readable, writable } = toWeb(c);
    assert.equal((await readable.getReader().read()).done, true);
    await writable.getWriter().close();
  });

  test('has no frames', async (t) => {
    const { c } = await halfGone(t);
    for await (const frame of frames(c)) assert.fail(`there is ${frame}`);
  });
});

test('a signal that was aborted before', async (t) => {
  const { c, rig } = await accepted(t);
  const socket = toDuplex(c, { signal: AbortSignal.abort() });
  const [error] = await once(socket, 'error');
  assert.equal(error.name, 'AbortError');
  await waitUntil(() => rig.server.countConnections() === 0, 'the close');
});

test('callbacks of writes come in their order', async (t) => {
  const { c, peer } = await accepted(t);
  const socket = toDuplex(c);
  const order: number[] = [];
  peer.pause();
  socket.write(Buffer.alloc(8_000_000), () => order.push(1));
  socket.on('drain', () => {
    socket.write('x', () => order.push(2));
    socket.write('x', () => order.push(3));
  });
  await settle();
  peer.resume();
  await waitUntil(() => order.length === 3, 'all three');
  assert.deepEqual(order, [1, 2, 3]);
});

test('a target that cannot be dialled leaves the socket as it was', async (t) => {
  const dialler = await client({});
  t.after(() => dialler.close());
  const socket = createConnection(dialler)();
  assert.throws(() => socket.connect({ port: 1, localAddress: '127.0.0.1' }), {
    code: 'ErrUnsupportedOp',
  });
  assert.equal(socket.connecting, false);
  const { rig } = await accepted(t);
  socket.connect(Number(rig.server.addr.split(':')[1]), '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
});

test('frames that nobody asked for stay for others', async (t) => {
  const { c, peer } = await accepted(t, undefined, { codec: new LineBasedFrameCodec() });
  const early = frames(c, { keepOpen: true });
  peer.write('one\ntwo\n');
  await settle();
  await early.return?.();
  const seen: string[] = [];
  for await (const frame of frames(c)) if (seen.push(String(frame)) === 2) break;
  assert.deepEqual(seen, ['one', 'two']);
});

describe('what a listener throws ends its connection only', () => {
  const causes: Readonly<Record<string, (socket: ConnSocket, peer: Socket) => void>> = {
    data: (_socket, peer) => void peer.write('x'),
    drain: (socket) => void socket.write(Buffer.alloc(8_000_000)),
    timeout: (socket) => void socket.setTimeout(20),
  };
  for (const event of Object.keys(causes)) {
    for (const isHeard of [false, true]) {
      const who = isHeard ? 'a listener of error hears of it' : 'nobody hears of it';
      test(`in ${event}: ${who}`, async (t) => {
        // The peer does not end its side.
        const { c, peer, rig } = await accepted(t, undefined, { closeTimeout: 100 });
        const socket = toDuplex(c);
        const errors: NodeJS.ErrnoException[] = [];
        if (isHeard) socket.on('error', (error) => errors.push(error));
        socket.on(event, () => {
          throw new Error('mine');
        });
        peer.resume();
        causes[event]?.(socket, peer);
        await once(socket, 'close').catch(() => {});
        assert.equal(socket.destroyed, true);
        assert.deepEqual(
          errors.map(({ code }) => code),
          isHeard ? ['ErrHandler'] : [],
        );
        await waitUntil(() => rig.reports.length === 1, 'the report');
        assert.match(String(rig.reports[0]?.err), /mine/);
      });
    }
  }
});

test('a callback of a write behind which the end follows is told of no error', async (t) => {
  const { c, peer } = await accepted(t);
  const socket = toDuplex(c);
  const told: unknown[] = [];
  socket.write(Buffer.alloc(8_000_000), (error) => told.push(error ?? 'sent'));
  socket.end(() => told.push('finish'));
  await settle();
  peer.resume();
  await waitUntil(() => told.length === 2, 'both');
  assert.deepEqual(told, ['sent', 'finish']);
});

test('attach rejects with what a listener of listening throws', async () => {
  const server = http.createServer((_q, r) => r.end('x'));
  const throws = (): void => {
    throw new Error('mine');
  };
  server.once('listening', throws);
  await assert.rejects(attach(server, 'tcp://127.0.0.1:0'), /mine/);
  assert.equal(server.listening, false);
  server.removeListener('listening', throws);
  const running = await attach(server, 'tcp://127.0.0.1:0');
  assert.equal(await (await fetch(`http://${running.addr}`)).text(), 'x');
  await running.stop();
});

test('close in the event of listening', async () => {
  const server = http.createServer();
  server.once('listening', () => server.close());
  const closed = once(server, 'close');
  const running = await attach(server, 'tcp://127.0.0.1:0');
  await closed;
  await running.closed;
});

test('highWaterMark 0', async (t) => {
  const { c, peer } = await accepted(t);
  const socket = toDuplex(c, { highWaterMark: 0 });
  socket.pipe(socket);
  peer.write('hello');
  assert.equal(String((await once(peer, 'data'))[0]), 'hello');
});
