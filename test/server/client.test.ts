/** Connections that a program dials itself, and the life of the client that they belong to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { Action, client, type Conn, type EventHandler, LineBasedFrameCodec } from 'gnet';
import { deadAddress, foreignServer, rejection, startClient } from '../support/client-rig.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { noDescriptors, notOn } from '../support/driver.ts';
import { runProgram } from '../support/program.ts';
import {
  codeOf,
  connect,
  EchoHandler,
  freeAddress,
  startRig,
  streamTransports,
  text,
} from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

describe('dial', () => {
  for (const transport of streamTransports) {
    test(`opens a connection over ${transport}: context, addresses, bytes, close`, async (t) => {
      const server = await startRig(t, new EchoHandler(), {}, freeAddress(t, transport));
      let contextInOpened: unknown;
      let received = '';
      const { client: dialler, events } = await startClient(t, {
        onOpened(c) {
          contextInOpened = c.context;
          return 'from onOpened, ';
        },
        react(frame) {
          received += String(frame);
        },
      });
      const scheme = transport === 'unix' ? 'unix://' : '';
      const c = await dialler.dial(`${scheme}${server.server.addr}`, { context: 'mine' });
      assert.equal(contextInOpened, 'mine');
      assert.deepEqual(events, ['init', 'open']);
      assert.equal(c.remoteAddr, server.server.addr);
      assert.match(c.localAddr, transport === 'unix' ? /^@$/ : /^127\.0\.0\.1:\d+$/);
      assert.notEqual(c.localAddr, c.remoteAddr);
      assert.equal(dialler.countConnections(), 1);
      assert.ok(c.asyncWrite('then asyncWrite'));
      await waitUntil(() => received === 'from onOpened, then asyncWrite', 'the echo');
      c.close();
      await waitUntil(() => events.includes('closed'), 'closed');
      await waitUntil(() => server.events.includes('closed'), 'closed at the server');
      assert.equal(dialler.countConnections(), 0);
      assert.equal(dialler.stats().loops[0]?.accepted, 1);
    });
  }

  test('local and remote address are what the other side sees', async (t) => {
    const { address, sockets } = await foreignServer(t);
    const { client: dialler } = await startClient(t);
    const c = await dialler.dial(address);
    await waitUntil(() => sockets.length === 1, 'accepted');
    assert.equal(c.localAddr, `127.0.0.1:${sockets[0]?.remotePort}`);
    assert.equal(c.remoteAddr, `127.0.0.1:${sockets[0]?.localPort}`);
    assert.equal(c.remotePort, sockets[0]?.localPort);
    assert.equal(c.localPort, sockets[0]?.remotePort);
  });

  test('bytes that come with the connection reach react, after onOpened', async (t) => {
    const greeting = await startRig(t, { onOpened: () => ['welcome', Action.Close] });
    const log: string[] = [];
    const { client: dialler, events } = await startClient(t, {
      onOpened: () => void log.push('open'),
      react: (frame) => void log.push(String(frame)),
    });
    await dialler.dial(greeting.server.addr);
    await waitUntil(() => events.includes('closed'), 'closed');
    assert.deepEqual(log, ['open', 'welcome']);
  });

  test('uses the codec, half-close and time limits as a server does', async (t) => {
    const { address, sockets } = await foreignServer(t);
    const lines: string[] = [];
    let ended = 0;
    const codec = new LineBasedFrameCodec();
    const { client: dialler, events } = await startClient(
      t,
      { react: (frame) => void lines.push(String(frame)), onEnd: () => void ended++ },
      { codec, allowHalfOpen: true, idleTimeout: 500 },
    );
    const c = await dialler.dial(address);
    c.asyncWrite('question');
    await waitUntil(() => sockets.length === 1, 'accepted');
    const [socket] = sockets as [Socket];
    assert.equal(text(((await once(socket, 'data')) as [Buffer])[0]), 'question\n');
    socket.write('one\ntw');
    await waitUntil(() => lines.length === 1, 'the first line');
    socket.end('o\n');
    await waitUntil(() => ended === 1, 'the end of the peer');
    assert.deepEqual(lines, ['one', 'two']);
    c.asyncWrite('still open');
    await waitUntil(() => events.includes('closed(ErrTimeout)'), 'the idle limit');
  });

  test('Action.Close from onOpened: dial resolves, the answer goes out', async (t) => {
    const { address, sockets } = await foreignServer(t);
    const { client: dialler, events } = await startClient(t, {
      onOpened: () => ['bye', Action.Close],
    });
    const c = await dialler.dial(address);
    assert.equal(c.asyncWrite('too late'), false);
    await waitUntil(() => sockets.length === 1, 'accepted');
    const [socket] = sockets as [Socket];
    const data = once(socket, 'data') as Promise<[Buffer]>;
    assert.equal(text((await data)[0]), 'bye');
    socket.end();
    await waitUntil(() => events.includes('closed'), 'closed');
  });

  test('an onOpened that throws closes its connection with ErrHandler', async (t) => {
    const { address } = await foreignServer(t);
    const {
      client: dialler,
      events,
      reports,
    } = await startClient(
      t,
      {
        onOpened() {
          throw new Error('not today');
        },
      },
      { closeTimeout: 50 },
    );
    await dialler.dial(address);
    await waitUntil(() => events.includes('closed(ErrHandler)'), 'closed');
    assert.equal(reports.length, 1);
  });

  test('many at once, each its own', async (t) => {
    const server = await startRig(t, new EchoHandler());
    const received = new Map<unknown, string>();
    const { client: dialler } = await startClient(t, {
      onOpened: (c) => `${String(c.context)};`,
      react(frame, c) {
        received.set(c.context, (received.get(c.context) ?? '') + String(frame));
      },
    });
    const numbers = Array.from({ length: 200 }, (_, number) => number);
    const open = await Promise.all(
      numbers.map((context) => dialler.dial(server.server.addr, { context })),
    );
    assert.equal(new Set(open.map(({ id }) => id)).size, 200);
    await waitUntil(
      () => numbers.every((number) => received.get(number) === `${number};`),
      'the echoes',
    );
    assert.equal(dialler.countConnections(), 200);
  });

  test('a handle reaches the connection by its id, from another task too', async (t) => {
    const { address, sockets } = await foreignServer(t);
    const { client: dialler } = await startClient(t);
    const c = await dialler.dial(address);
    await dialler.conn(c.id).write('by handle');
    await waitUntil(() => sockets.length === 1, 'accepted');
    assert.equal(text(((await once(sockets[0] as Socket, 'data')) as [Buffer])[0]), 'by handle');
    assert.equal(await dialler.broadcast('to all'), 1);
    assert.throws(() => dialler.conn(c.id + 1), { code: 'ErrConnClosed' });
  });

  test('a handler may dial, and write to connections of another loop', async (t) => {
    const upstream = await startRig(t, { react: (frame) => `<${String(frame)}>` });
    const { client: dialler } = await startClient(t, {
      react: (frame, c) => void (c.context as Conn).asyncWrite(frame as Buffer),
    });
    const front = await startRig(t, {
      async react(frame, c) {
        const inner = await dialler.dial(upstream.server.addr, { context: c });
        inner.asyncWrite(frame as Buffer);
      },
    });
    const outside = await connect(t, front);
    outside.write('x');
    assert.equal(text(await outside.readExactly(3)), '<x>');
  });
});

test('a name with several addresses: the next one when nobody listens at the first', async (t) => {
  const server = await startRig(t, new EchoHandler(), {}, 'tcp4://127.0.0.1:0');
  const { client: dialler } = await startClient(t);
  const port = server.server.addr.split(':')[1];
  const c = await dialler.dial(`tcp://localhost:${port}`);
  assert.equal(c.remoteAddr, server.server.addr);
  // No host is this machine.
  assert.equal((await dialler.dial(`:${port}`)).remoteAddr, server.server.addr);
  const refused = (await deadAddress()).split(':')[1];
  const error = await rejection(dialler.dial(`localhost:${refused}`));
  assert.equal(codeOf(error), 'ECONNREFUSED');
});

describe('the life of a client', () => {
  test('stop says goodbye, drains, closes, then onShutdown; later dials are refused', async (t) => {
    const { address, sockets } = await foreignServer(t);
    const { client: dialler, events } = await startClient(t, {
      signalClose: (c) => void c.asyncWrite('goodbye'),
    });
    await dialler.dial(address);
    await waitUntil(() => sockets.length === 1, 'accepted');
    const [socket] = sockets as [Socket];
    let received = '';
    socket.on('data', (bytes: Buffer) => {
      received += text(bytes);
    });
    socket.on('end', () => socket.end());
    assert.deepEqual(await dialler.stop(), { forced: 0 });
    assert.equal(received, 'goodbye');
    assert.deepEqual(events, ['init', 'open', 'closed', 'shutdown']);
    assert.equal(codeOf(await rejection(dialler.dial(address))), 'ErrServerInShutdown');
    await dialler.closed;
    assert.deepEqual(await dialler.stop(), { forced: 0 });
  });

  test('close forces what is open', async (t) => {
    const { address } = await foreignServer(t);
    const { client: dialler, events } = await startClient(t);
    await dialler.dial(address);
    assert.deepEqual(await dialler.close(), { forced: 1 });
    assert.deepEqual(events, ['init', 'open', 'closed', 'shutdown']);
  });

  test('Action.Shutdown of an event stops it, and its disposal does', async (t) => {
    const server = await startRig(t, new EchoHandler());
    const { client: dialler } = await startClient(t, { react: () => Action.Shutdown });
    (await dialler.dial(server.server.addr)).asyncWrite('x');
    await dialler.closed;
    const second = await client({});
    await second.dial(server.server.addr);
    await second[Symbol.asyncDispose]();
    await second.closed;
    assert.equal(second.countConnections(), 0);
  });

  test('onInitComplete gets the client, and may shut it down or throw', async (t) => {
    let given: unknown;
    const { client: dialler } = await startClient(t, {
      onInitComplete(server) {
        given = server;
      },
    });
    assert.equal(given, dialler);
    assert.deepEqual([dialler.addr, dialler.addrs, dialler.numEventLoop], ['', [], 1]);
    assert.throws(() => dialler.dupFd(), { code: 'ErrUnsupportedOp' });
    const shut = await client({ onInitComplete: () => Action.Shutdown });
    await shut.closed;
    const thrower: EventHandler = {
      onInitComplete() {
        throw new Error('not ready');
      },
    };
    await assert.rejects(client(thrower), /not ready/);
  });

  test('tick runs until the stop', async (t) => {
    let ticks = 0;
    const { client: dialler } = await startClient(
      t,
      {
        tick() {
          ticks++;
          return 5;
        },
      },
      { ticker: true },
    );
    await waitUntil(() => ticks >= 3, 'three ticks');
    await dialler.stop();
    const after = ticks;
    await settle(30);
    assert.equal(ticks, after);
  });

  test('the signal of its options stops it', async (t) => {
    const controller = new AbortController();
    const { client: dialler } = await startClient(t, {}, { signal: controller.signal });
    controller.abort();
    await dialler.closed;
    const aborted = AbortSignal.abort(new Error('too early'));
    await assert.rejects(client({}, { signal: aborted }), /too early/);
  });

  test('20 clients with a connection each leave no descriptor', async (t) => {
    const server = await startRig(t, new EchoHandler());
    const cycle = async (): Promise<void> => {
      let received = '';
      const { client: dialler } = await startClient(t, {
        react(frame) {
          received += String(frame);
        },
      });
      (await dialler.dial(server.server.addr)).asyncWrite('x');
      await waitUntil(() => received === 'x', 'the echo');
      await dialler.stop();
    };
    await cycle();
    await waitUntil(() => server.server.countConnections() === 0, 'closed at the server');
    const before = openDescriptors();
    for (let count = 0; count < 20; count++) await cycle();
    await assertNoNewDescriptors(before);
  });

  test('one that a thread of loops made ends with that thread', async (t) => {
    const { code, output } = await runProgram(
      t,
      'test/server/programs/client-in-threads.ts',
    ).ending();
    assert.equal(code, 0, output);
    assert.equal(output.match(/a client is down/g)?.length, 3);
    assert.match(output, /their connections are closed/);
  });

  const goings: readonly [string, string][] = [
    ['throw', ''],
    ['exhaust', '--max-old-space-size=96'],
    ['late', '--max-old-space-size=96'],
    ['spin', ''],
  ];
  for (const [how, flags] of goings) {
    test(`one whose thread goes by force leaves nothing open: ${how}`, async (t) => {
      const path = 'test/server/programs/client-in-dying-thread.ts';
      const env = { ...process.env, NODE_OPTIONS: flags };
      const { code, output } = await runProgram(t, path, [how], { env }).ending();
      assert.equal(code, 0, output);
      const [, before, after] = /^without threads: (.+) and (.+)$/m.exec(output) ?? [];
      assert.ok(before !== undefined, output);
      assert.equal(after, before);
      if (how === 'spin') return;
      assert.match(output, /^as before: true$/m);
      const [, during, again] = /^with a successor: (.+) and (.+)$/m.exec(output) ?? [];
      assert.ok(during !== undefined, output);
      assert.equal(again, during);
      assert.match(output, /^ErrConnClosed$/m);
    });
  }

  test('one made when its thread is needed no longer leaves nothing open', async (t) => {
    const path = 'test/server/programs/client-in-ending-thread.ts';
    const { code, output } = await runProgram(t, path).ending();
    assert.equal(code, 0, output);
    const [, before, after] = /^(.+) and (.+)$/m.exec(output) ?? [];
    assert.ok(before !== undefined, output);
    assert.equal(after, before);
  });

  test('keeps its process alive until it is stopped', async (t) => {
    const program = runProgram(t, 'test/server/programs/client-life.ts', [], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    await program.line(/^client is open$/m);
    await settle(200);
    assert.equal(program.child.exitCode, null);
    program.child.stdin?.write('stop\n');
    const { code, output } = await program.ending();
    assert.deepEqual([code, output], [0, 'client is open\nshutdown\n']);
  });
});

describe('options of a client', () => {
  const refused: readonly object[] = [
    { multicore: true },
    { numEventLoop: 2 },
    { loopNum: 2 },
    { loadBalancing: 0 },
    { lockOSThread: true },
    { reusePort: true },
    { backlog: 16 },
    { maxConnections: 10 },
    { block: true },
    { graceful: true },
    { pidName: 'x.pid' },
    { unknown: 1 },
  ];
  for (const options of refused) {
    test(`${JSON.stringify(options)} is refused`, async () => {
      const error = await rejection(client({}, options));
      assert.equal(codeOf(error), 'ErrInvalidOption');
    });
  }

  test('what asks for nothing a client cannot give is taken', async () => {
    const options: object = { multicore: false, numEventLoop: 1, maxConnections: Infinity };
    await (await client({}, options)).close();
  });

  test('a handler module, and what is no handler', async () => {
    for (const handler of [new URL('file:///handler.ts'), null, 'handler']) {
      const error = await rejection(client(handler as unknown as EventHandler));
      assert.equal(codeOf(error), 'ErrInvalidOption');
    }
  });

  test('fd is the descriptor', notOn('node', noDescriptors), async (t) => {
    const server = await startRig(t, new EchoHandler());
    const { client: dialler } = await startClient(t);
    const c = await dialler.dial(server.server.addr);
    const open = openDescriptors();
    assert.ok(open.some((one) => one.startsWith(`${c.fd} socket:`)));
  });
});
