/** The scenarios of the source framework's own tests that need one loop. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Action,
  type Conn,
  ErrServerInShutdown,
  type EventHandler,
  EventServer,
  type Options,
  type Server,
  serve,
  stop,
  TCPSocketOpt,
  type TickReply,
} from 'gnet';
import { Random } from 'gnet/testing';
import { noDescriptors, notOn } from '../support/driver.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import {
  assertSameBytes,
  connect,
  freeAddress,
  startRig,
  type TestScope,
  text,
} from '../support/rig.ts';

const greeting = 'sweetness\r\n';
const clientCount = 10;

interface Scenario {
  readonly transport: 'tcp' | 'udp' | 'unix' | 'tls';
  readonly async: boolean;
}

const scenarios: readonly Scenario[] = (['tcp', 'udp', 'unix', 'tls'] as const).flatMap(
  (transport) => [false, true].map((async) => ({ transport, async })),
);

/** Greets, echoes, starts clients from its first tick and ends with the last of them. */
class EchoRig extends EventServer {
  readonly clients: Promise<void>[] = [];
  readonly #t: TestScope;
  readonly #scenario: Scenario;
  #server: Server | null = null;
  #active = 0;
  opened = 0;

  constructor(t: TestScope, scenario: Scenario) {
    super();
    this.#t = t;
    this.#scenario = scenario;
  }

  override onInitComplete(server: Server) {
    assert.equal(server.countConnections(), 0);
    this.#server = server;
  }

  override onOpened(c: Conn) {
    assert.notEqual(c.localAddr, '');
    assert.notEqual(c.remoteAddr, '');
    c.context = c;
    this.opened++;
    return greeting;
  }

  override onClosed(c: Conn, error?: Error) {
    assert.equal(error, undefined);
    assert.equal(c.context, c);
    const none = this.opened === clientCount && this.#server?.countConnections() === 0;
    return none ? Action.Shutdown : Action.None;
  }

  override react(frame: Buffer | null, c: Conn) {
    assert.ok(frame !== null);
    if (!this.#scenario.async) return frame;
    const copy = Buffer.from(frame);
    if (this.#scenario.transport === 'udp') {
      setImmediate(() => c.sendTo(copy));
    } else {
      assert.equal(c.shiftN(1), 0, 'the built-in codec leaves nothing');
      assert.equal(c.bufferLength(), 0);
      setImmediate(() => c.asyncWrite(copy));
    }
    return undefined;
  }

  override tick(): TickReply {
    if (this.clients.length === 0) {
      for (let seed = 0; seed < clientCount; seed++) this.clients.push(this.#runClient(seed));
    }
    const over = this.#scenario.transport === 'udp' && this.#active === 0;
    return over ? [200, Action.Shutdown] : 200;
  }

  async #runClient(seed: number): Promise<void> {
    this.#active++;
    const random = new Random(seed);
    const end = performance.now() + random.between(125, 375);
    const address = (this.#server as Server).addr;
    if (this.#scenario.transport === 'udp') await this.#runDatagrams(address, random, end);
    else await this.#runStream(address, random, end);
    this.#active--;
  }

  async #runStream(address: string, random: Random, end: number): Promise<void> {
    const { transport } = this.#scenario;
    const client = await connect(this.#t, address, transport === 'tls');
    assert.equal(text(await client.readExactly(greeting.length)), greeting);
    while (performance.now() < end) {
      const bytes = random.bytes(transport === 'tcp' || transport === 'tls' ? 1_048_576 : 1_024);
      client.write(bytes);
      assertSameBytes(await client.readExactly(bytes.length), bytes);
    }
    client.end();
    await client.readUntilEnd();
  }

  async #runDatagrams(address: string, random: Random, end: number): Promise<void> {
    const client = await DatagramClient.open(this.#t);
    while (performance.now() < end) {
      const bytes = random.bytes(1_024);
      await client.send(address, bytes);
      assertSameBytes(await client.next(), bytes);
    }
    client.close();
  }
}

describe('TestServe: greet, echo, tick, shut down with the last client', () => {
  for (const scenario of scenarios) {
    const { transport, async } = scenario;
    test(`${transport}, ${async ? 'written later' : 'answered at once'}`, async (t) => {
      const handler = new EchoRig(t, scenario);
      const options: Options = {
        ticker: true,
        tcpKeepAlive: 60_000,
        tcpNoDelay: TCPSocketOpt.TCPDelay,
        lockOSThread: async,
      };
      const rig = await startRig(t, handler, options, freeAddress(t, transport));
      await rig.server.closed;
      assert.equal(handler.clients.length, clientCount);
      await Promise.all(handler.clients);
      assert.equal(rig.events.at(-1), 'shutdown');
      assert.equal(handler.opened, transport === 'udp' ? 0 : clientCount);
      assert.deepEqual(rig.reports, []);
    });
  }
});

test('TestDefaultGnetServer: every event of EventServer does nothing', () => {
  const handler = new EventServer();
  const c = {} as Conn;
  const server = {} as Server;
  assert.equal(handler.onInitComplete(server), Action.None);
  assert.equal(handler.onShutdown(server), undefined);
  assert.equal(handler.onOpened(c), undefined);
  assert.equal(handler.onClosed(c, undefined), Action.None);
  assert.equal(handler.preWrite(c), undefined);
  assert.equal(handler.react(null, c), undefined);
  assert.equal(handler.onDrain(c), undefined);
  assert.equal(handler.onEnd(c), undefined);
  assert.equal(handler.signalClose(c), undefined);
  assert.equal(typeof handler.tick(), 'number');
});

test('TestBadAddresses: a bad one rejects, a good one with Shutdown from init resolves', async () => {
  const handler: EventHandler = { onInitComplete: () => Action.Shutdown };
  await assert.rejects(serve(handler, 'tulip://howdy'), { code: 'ErrUnsupportedProtocol' });
  await assert.rejects(serve(handler, 'howdy'), { code: 'ErrInvalidNetworkAddress' });
  const server = await serve(handler, 'tcp://');
  await server.closed;
});

test('TestTick: 25 ticks, then Shutdown; the first one comes without a wait', async (t) => {
  let ticks = 0;
  const handler: EventHandler = {
    tick: () => (++ticks === 25 ? [10, Action.Shutdown] : 10),
  };
  const rig = await startRig(t, handler, { ticker: true });
  await rig.server.closed;
  const atShutdown = ticks;
  assert.equal(atShutdown, 25);
  await sleep(50);
  assert.equal(ticks, atShutdown, 'none after onShutdown');
  assert.deepEqual(rig.events, ['init', 'shutdown']);
});

test('TestWakeConn: the second tick wakes a client that only reads', async (t) => {
  let connection: Conn | null = null;
  let woken = 0;
  const handler: EventHandler = {
    onOpened(c) {
      connection = c;
    },
    onClosed: () => Action.Shutdown,
    react(frame) {
      assert.equal(frame, null);
      woken++;
      // -1 is no action: it acts as None.
      return ['Waking up.', -1 as Action];
    },
    tick() {
      connection?.wake();
      return connection === null ? 10 : 60_000;
    },
  };
  const rig = await startRig(t, handler, { ticker: true });
  const client = await connect(t, rig);
  assert.equal(text(await client.readExactly(10)), 'Waking up.');
  client.end();
  await rig.server.closed;
  assert.equal(woken, 1);
  assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
});

test('TestShutdown: a tick shuts down under silent clients', async (t) => {
  let open = 0;
  const handler: EventHandler = {
    onOpened() {
      open++;
    },
    onClosed() {
      open--;
    },
    tick: () => (open === clientCount ? [50, Action.Shutdown] : 50),
  };
  const rig = await startRig(t, handler, { ticker: true });
  const clients = await Promise.all(Array.from({ length: clientCount }, () => connect(t, rig)));
  for (const client of clients) {
    assert.equal((await client.readUntilEnd()).length, 0);
    client.end();
  }
  await rig.server.closed;
  assert.equal(open, 0);
  assert.deepEqual(rig.events.slice(-2), ['closed', 'shutdown']);
});

test('TestCloseActionError: the answer of a Close goes out first', async (t) => {
  const handler: EventHandler = {
    react: (frame) => [frame, Action.Close],
    onClosed: () => Action.Shutdown,
  };
  const rig = await startRig(t, handler);
  const client = await connect(t, rig);
  client.write('Hello World!');
  assert.equal(text(await client.readUntilEnd()), 'Hello World!');
  client.end();
  await rig.server.closed;
  assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
});

test('TestShutdownActionError: the answer of a Shutdown goes out first', async (t) => {
  const handler: EventHandler = {
    react(frame, c) {
      c.readN(-1);
      return [frame, Action.Shutdown];
    },
  };
  const rig = await startRig(t, handler);
  const client = await connect(t, rig);
  client.write('Hello World!');
  assert.equal(text(await client.readUntilEnd()), 'Hello World!');
  client.end();
  await rig.server.closed;
  assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
});

test('TestCloseActionOnOpen', async (t) => {
  const handler: EventHandler = {
    onOpened: () => Action.Close,
    onClosed: () => Action.Shutdown,
  };
  const rig = await startRig(t, handler);
  const client = await connect(t, rig);
  await client.readUntilEnd();
  client.end();
  await rig.server.closed;
  assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
});

const duplicates = notOn('node', noDescriptors);
test(
  'TestShutdownActionOnOpen: dupFd works in onShutdown and not after it',
  duplicates,
  async (t) => {
    let duplicate = -1;
    const handler: EventHandler = {
      onOpened: () => Action.Shutdown,
      onShutdown(server) {
        duplicate = server.dupFd();
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    await client.readUntilEnd();
    client.end();
    await rig.server.closed;
    assert.ok(duplicate > 2);
    closeSync(duplicate);
    assert.throws(() => rig.server.dupFd(), ErrServerInShutdown);
  },
);

test('TestUDPShutdown: the answer of a Shutdown goes out first', async (t) => {
  const handler: EventHandler = { react: (frame) => [frame, Action.Shutdown] };
  const rig = await startRig(t, handler, {}, 'udp4://127.0.0.1:0');
  const client = await DatagramClient.open(t);
  await client.send(rig.server.addr, 'Hello World!');
  assert.equal(text(await client.next()), 'Hello World!');
  await rig.server.closed;
  assert.deepEqual(rig.events, ['init', 'shutdown']);
});

test('TestCloseConnection: closed later, from outside the handler', async (t) => {
  const handler: EventHandler = {
    react(frame, c) {
      setTimeout(() => c.close(), 50);
      return frame;
    },
    onClosed: () => Action.Shutdown,
  };
  const rig = await startRig(t, handler);
  const client = await connect(t, rig);
  client.write('Hello World!');
  assert.equal(text(await client.readUntilEnd()), 'Hello World!');
  client.end();
  await rig.server.closed;
});

test('TestStop: stop from outside ends clients; a second stop finds nothing', async (t) => {
  const rig = await startRig(t, { react: (frame) => frame });
  const client = await connect(t, rig);
  client.write('Hello World!');
  assert.equal(text(await client.readExactly(12)), 'Hello World!');
  const stopped = stop(rig.server.addr, { timeout: 3_000 });
  assert.equal((await client.readUntilEnd()).length, 0);
  client.end();
  assert.deepEqual(await stopped, { forced: 0 });
  await rig.server.closed;
  await assert.rejects(stop(rig.server.addr), { code: 'ErrServerInShutdown' });
  assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
});

test('stop takes the text that serve was given, too', async (t) => {
  const address = freeAddress(t, 'unix');
  const rig = await startRig(t, {}, {}, ['tcp://127.0.0.1:0', address]);
  assert.equal(rig.server.addrs.length, 2);
  assert.deepEqual(await stop(address), { forced: 0 });
  await rig.server.closed;
});

test('TestClosedWakeUp: wake and close race with an answer', async (t) => {
  const client = { write: (_: string): void => {} };
  const handler: EventHandler = {
    async react(_frame, c) {
      assert.notEqual(c.remoteAddr, '');
      setImmediate(() => c.wake());
      setImmediate(() => c.close());
      client.write('again');
      await sleep(20);
      return 'answer';
    },
  };
  const rig = await startRig(t, handler);
  const raw = await connect(t, rig);
  client.write = (data) => raw.write(data);
  raw.write('hello');
  await raw.readUntilEnd();
  raw.end();
  assert.deepEqual(await rig.server.stop(), { forced: 0 });
  assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
  assert.deepEqual(rig.reports, []);
});
