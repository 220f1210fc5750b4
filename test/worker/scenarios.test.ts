/**
 * The scenarios of the source framework's own tests, each over {acceptor, reusePort} x
 * {1, 2, 4 loops} x its transports x its ways to answer. A server with four loops stays up from the
 * first case to the last, so that the threads are started once.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LengthFieldBasedFrameCodec, LoadBalancing, type Options, type Server, serve } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { Random } from 'gnet/testing';
import { kernelSpreads, notOn } from '../support/driver.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { assertSameBytes, connect, type TestScope, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import {
  freeAddress,
  handlerModule,
  type PoolRig,
  startLoops,
  type Transport,
} from './pool-rig.ts';

const greeting = 'sweetness\r\n';
const clientCount = 10;

interface Case {
  readonly transport: Transport;
  readonly async: boolean;
  readonly loops: number;
  readonly reusePort: boolean;
}

interface Scenario {
  readonly name: string;
  readonly transports: readonly Transport[];
  readonly answers: readonly boolean[];
  readonly handler: string;
  readonly options?: Options;
  run(t: TestScope, rig: PoolRig, one: Case): Promise<void>;
}

const streams: readonly Transport[] = ['tcp', 'unix'];

const scenarios: readonly Scenario[] = [
  {
    name: 'TestServe',
    transports: ['tcp', 'udp', 'unix'],
    answers: [false, true],
    handler: 'echo',
    run: (t, rig, one) => (one.transport === 'udp' ? echoDatagrams(t, rig) : echoStreams(t, rig)),
  },
  {
    name: 'TestShutdown',
    transports: streams,
    answers: [false],
    handler: 'tickShutdown',
    options: { ticker: true },
    async run(t, rig) {
      const clients = await connectAll(t, rig.server);
      for (const client of clients) {
        assert.equal((await client.readUntilEnd()).length, 0);
        client.end();
      }
    },
  },
  {
    name: 'TestWakeConn',
    transports: streams,
    answers: [false],
    handler: 'wake',
    options: { ticker: true },
    async run(t, rig) {
      const client = await connect(t, rig.server.addr);
      assert.equal(text(await client.readExactly(10)), 'Waking up.');
      client.end();
    },
  },
  answered('TestCloseActionError', 'closeAction'),
  answered('TestShutdownActionError', 'shutdownAction'),
  answered('TestCloseConnection', 'closeLater'),
  ended('TestCloseActionOnOpen', 'closeOnOpen'),
  ended('TestShutdownActionOnOpen', 'shutdownOnOpen'),
  {
    name: 'TestUDPShutdown',
    transports: ['udp'],
    answers: [false],
    handler: 'echo',
    async run(t, rig) {
      const client = await DatagramClient.open(t);
      await client.send(rig.server.addr, 'shutdown!');
      assert.equal(text(await client.next()), 'shutdown!');
    },
  },
  {
    name: 'TestStop',
    transports: streams,
    answers: [false],
    handler: 'plain',
    async run(t, rig) {
      const client = await connect(t, rig.server.addr);
      client.write('Hello World!');
      assert.equal(text(await client.readExactly(12)), 'Hello World!');
      const stopped = rig.server.stop({ timeout: 3_000 });
      assert.equal((await client.readUntilEnd()).length, 0);
      client.end();
      assert.deepEqual(await stopped, { forced: 0 });
    },
  },
  {
    name: 'TestClosedWakeUp',
    transports: streams,
    answers: [false],
    handler: 'closedWakeUp',
    async run(t, rig) {
      const client = await connect(t, rig.server.addr);
      client.write('hello');
      await client.readUntilEnd();
      client.end();
      assert.deepEqual(await rig.server.stop(), { forced: 0 });
    },
  },
];

/** The client gets its greeting back, then the end. */
function answered(name: string, handler: string): Scenario {
  return {
    name,
    transports: streams,
    answers: [false],
    handler,
    async run(t, rig) {
      const client = await connect(t, rig.server.addr);
      client.write('Hello World!');
      assert.equal(text(await client.readUntilEnd()), 'Hello World!');
      client.end();
    },
  };
}

function ended(name: string, handler: string): Scenario {
  return {
    name,
    transports: streams,
    answers: [false],
    handler,
    async run(t, rig) {
      const client = await connect(t, rig.server.addr);
      await client.readUntilEnd();
      client.end();
    },
  };
}

function connectAll(t: TestScope, server: Server): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: clientCount }, () => connect(t, server.addr)));
}

async function echoStreams(t: TestScope, rig: PoolRig): Promise<void> {
  const clients = await connectAll(t, rig.server);
  for (const client of clients) {
    assert.equal(text(await client.readExactly(greeting.length)), greeting);
  }
  assert.equal(rig.server.countConnections(), clientCount);
  await Promise.all(
    clients.map(async (client, seed) => {
      const random = new Random(seed);
      const end = performance.now() + random.between(60, 180);
      while (performance.now() < end) {
        const bytes = random.bytes(random.between(1, 65_536));
        client.write(bytes);
        assertSameBytes(await client.readExactly(bytes.length), bytes);
      }
      client.end();
      await client.readUntilEnd();
    }),
  );
}

async function echoDatagrams(t: TestScope, rig: PoolRig): Promise<void> {
  const run = async (seed: number): Promise<void> => {
    const client = await DatagramClient.open(t);
    const random = new Random(seed);
    for (let count = 0; count < 20; count++) {
      const bytes = random.bytes(1_024);
      await client.send(rig.server.addr, bytes);
      assertSameBytes(await client.next(), bytes);
    }
  };
  await Promise.all(Array.from({ length: clientCount }, (_, seed) => run(seed)));
  const last = await DatagramClient.open(t);
  await last.send(rig.server.addr, 'shutdown!');
  assert.equal(text(await last.next()), 'shutdown!');
}

const cases: readonly Case[] = [false, true].flatMap((reusePort) =>
  [1, 2, 4].flatMap((loops) =>
    (['tcp', 'udp', 'unix'] as const).flatMap((transport) =>
      [false, true].map((async) => ({ reusePort, loops, transport, async })),
    ),
  ),
);

function nameOf(one: Case): string {
  const model = one.reusePort ? 'reusePort' : 'acceptor';
  return `${model}, ${one.loops} loops, ${one.transport}, ${one.async ? 'later' : 'at once'}`;
}

function optionsOf(one: Case): Options {
  const balancing = one.loops === 1 ? 'RoundRobin' : 'LeastConnections';
  return {
    numEventLoop: one.loops,
    reusePort: one.reusePort,
    lockOSThread: one.async,
    tcpKeepAlive: 60_000,
    loadBalancing:
      LoadBalancing[one.transport === 'unix' && one.loops > 1 ? 'SourceAddrHash' : balancing],
  };
}

let anchor: Server;
before(async () => {
  const module = handlerModule('scenario.ts', { scenario: 'plain' });
  anchor = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 4 });
});
after(() => anchor.close());

for (const scenario of scenarios) {
  describe(scenario.name, () => {
    for (const one of cases) {
      if (!scenario.transports.includes(one.transport)) continue;
      if (!scenario.answers.includes(one.async)) continue;
      const module = handlerModule('scenario.ts', {
        scenario: scenario.handler,
        async: one.async,
      });
      const options = { ...optionsOf(one), ...scenario.options };
      if (one.transport === 'unix' && one.reusePort) {
        test(`${nameOf(one)}: refused`, async (t) => {
          const code = one.loops === 1 ? 'ENOTSUP' : 'ErrUnsupportedOp';
          await assert.rejects(startLoops(t, module, options, freeAddress(t, 'unix')), { code });
        });
        continue;
      }
      const handedOver = one.transport === 'unix' && one.loops > 1;
      const skip = handedOver ? notOn('node', kernelSpreads) : {};
      test(nameOf(one), skip, async (t) => {
        const rig = await startLoops(t, module, options, freeAddress(t, one.transport));
        assert.equal(rig.server.numEventLoop, one.loops);
        await scenario.run(t, rig, one);
        await rig.server.closed;
        assert.equal(rig.server.countConnections(), 0);
        assert.deepEqual(rig.reports, []);
      });
    }
  });
}

describe('TestCodecServe: what is encoded comes back encoded', () => {
  const encoded: Record<string, (payload: Buffer) => Buffer> = {
    line: (payload) => Buffer.concat([payload, Buffer.from('\n')]),
    delimiter: (payload) => Buffer.concat([payload, Buffer.from('|')]),
    fixed: (payload) => payload,
    length: (payload) => {
      const codec = new LengthFieldBasedFrameCodec(
        { byteOrder: 'BE', lengthFieldLength: 4 },
        { byteOrder: 'BE', lengthFieldOffset: 0, lengthFieldLength: 4, initialBytesToStrip: 4 },
      );
      return Buffer.from(codec.encode({} as never, payload));
    },
  };
  for (const [codec, encode] of Object.entries(encoded)) {
    for (const one of cases) {
      if (one.transport !== 'tcp' || one.loops === 2) continue;
      test(`${codec}, ${nameOf(one)}`, async (t) => {
        const query = { scenario: 'echo', codec, async: one.async };
        const options = { ...optionsOf(one), socketRecvBuffer: 8_192, socketSendBuffer: 8_192 };
        const rig = await startLoops(t, handlerModule('scenario.ts', query), options);
        const client = await connect(t, rig.server.addr);
        await client.readExactly(greeting.length);
        const random = new Random(1);
        for (let count = 0; count < 10; count++) {
          const bytes = encode(random.bytes(1_024));
          client.write(bytes);
          assertSameBytes(await client.readExactly(bytes.length), bytes);
        }
        client.end();
        await client.readUntilEnd();
        await rig.server.closed;
        assert.deepEqual(rig.reports, []);
      });
    }
  }
});

test('every loop was used, and is free again', async () => {
  await waitUntil(() => anchor.countConnections() === 0, 'no connection');
  assert.equal(anchor.stats().loops.length, 4);
});
