/** Links under strain: more kept than a connection holds, peers that hang up, closing in the middle. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Action,
  type ClientOptions,
  client as makeClient,
  type Conn,
  type EventHandler,
  type ICodec,
  LineBasedFrameCodec,
  ErrInvalidOption,
  type LinkOptions,
  serve,
} from 'gnet';
import { deadAddress, startClient } from '../support/client-rig.ts';
import { codeOf, startRig } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const soon = { minDelay: 1, maxDelay: 20 };
const codec = new LineBasedFrameCodec();
const KiB = 1_024;
const newline = Buffer.from('\n');

describe('a link that keeps more than a connection holds', () => {
  // The kernel holds little, too.
  const small = { highWaterMark: 8 * KiB, maxOutboundBytes: 32 * KiB, socketSendBuffer: 4 * KiB };
  const cases: Record<string, ClientOptions> = {
    'pauses above the mark': small,
    'is closed above the mark': { ...small, overflow: 'close' },
  };
  for (const [name, options] of Object.entries(cases)) {
    test(`sends it bit by bit: ${name}`, async (t) => {
      const lines: string[] = [];
      const address = await deadAddress();
      const { client } = await startClient(t, {}, { codec, ...options });
      const link = client.link(`tcp://${address}`, { reconnect: soon });
      const all = Array.from({ length: 400 }, (_, at) => `${at} `.padEnd(KiB, 'x'));
      for (const line of all) assert.ok(link.write(line));
      const upstream = { react: (line: Buffer | null) => void lines.push(String(line)) };
      const server = await serve(upstream, address, { codec, socketRecvBuffer: 4 * KiB });
      t.after(() => server.close());
      await waitUntil(() => lines.length >= all.length, 'every line');
      assert.deepEqual(lines, all);
      assert.deepEqual([link.reconnects, link.pendingMessages, link.pendingBytes], [0, 0, 0]);
    });
  }

  // A codec that adds more than anybody allows for, and messages that are longer than the mark as they are.
  const wordy: ICodec = {
    encode: (_c, bytes) => Buffer.concat([Buffer.alloc(bytes.length * 8, 'x'), bytes, newline]),
    decode: () => null,
  };
  for (const [name, used, length] of [
    ['longer than the mark', codec, 512 * KiB],
    ['longer than the mark when it is encoded', wordy, 8 * KiB],
  ] as const) {
    test(`sends a message that is ${name}, where that closes connections`, async (t) => {
      let peer: Conn | undefined;
      const lengths: number[] = [];
      const upstream: EventHandler = {
        onOpened(c) {
          peer = c;
          c.pauseRead();
        },
        react: (line) => void lengths.push(line?.length ?? 0),
      };
      const rig = await startRig(t, upstream, { codec, socketRecvBuffer: 4 * KiB });
      const options: ClientOptions = { ...small, maxOutboundBytes: 2 ** 30, overflow: 'close' };
      const { client } = await startClient(t, {}, { codec: used, ...options });
      const link = client.link(`tcp://${rig.server.addr}`, { reconnect: soon });
      await waitUntil(() => link.conn !== null && peer !== undefined, 'the link');
      const message = Buffer.alloc(length, 'x');
      for (const count of [1, 2, 3]) {
        assert.ok(link.write(message));
        assert.equal(link.pendingMessages, count);
      }
      await settle();
      peer?.resumeRead();
      await waitUntil(() => lengths.length === 3 && link.pendingMessages === 0, 'every message');
      assert.equal(link.reconnects, 0);
      // What the program writes by itself counts as before.
      peer?.pauseRead();
      await waitUntil(() => {
        link.conn?.writeNoCodec(Buffer.alloc(1_024 * KiB));
        return link.reconnects > 0;
      }, 'it is closed for that');
    });
  }

  for (const how of ['link', 'client'] as const) {
    test(`sends it before it closes: ${how}`, async (t) => {
      const lines: string[] = [];
      const { server } = await startRig(
        t,
        { react: (line) => void lines.push(String(line)) },
        { codec },
      );
      // Twice as much as it is given ahead of the kernel, and less than a connection holds.
      const options = { codec, highWaterMark: 64 * KiB, maxOutboundBytes: 4_096 * KiB };
      const { client } = await startClient(t, {}, options);
      const link = client.link(`tcp://${server.addr}`, { reconnect: soon });
      await waitUntil(() => link.conn !== null, 'the link');
      const all = Array.from({ length: 256 }, (_, at) => `${at} `.padEnd(4 * KiB, 'x'));
      for (const line of all) assert.ok(link.write(line));
      if (how === 'link') await link.close();
      else await client.stop();
      await waitUntil(() => lines.length >= all.length, 'every line');
      assert.deepEqual(lines, all);
      assert.deepEqual([link.isOver, await link.closed], [true, undefined]);
    });
  }
});

test('a link that is closed while it connects never opens', async (t) => {
  const rig = await startRig(t, {}, { codec });
  const { client, events } = await startClient(t, {}, { codec });
  const link = client.link(`tcp://${rig.server.addr}`);
  link.write('kept');
  await link.close();
  await settle();
  assert.deepEqual(events, ['init']);
  assert.deepEqual([link.isOver, client.countConnections()], [true, 0]);
});

test('a link whose onOpened never comes to its end can be closed', async (t) => {
  const rig = await startRig(t, {}, { codec });
  const { client } = await startClient(t, {}, { codec, closeTimeout: 30 });
  const handler: EventHandler = { onOpened: () => new Promise(() => {}) };
  const link = client.link(`tcp://${rig.server.addr}`, { handler });
  link.write('kept');
  await waitUntil(() => link.conn !== null, 'the link');
  await link.close();
  assert.deepEqual([link.isOver, link.conn], [true, null]);
});

test('what can never connect is refused at once', async (t) => {
  const { client } = await startClient(t);
  const refused: [string, string, LinkOptions?][] = [
    ['foo://x:1', 'ErrUnsupportedProtocol'],
    ['tcp://127.0.0.1:99999', 'ErrInvalidNetworkAddress'],
    ['tcp://', 'ErrInvalidNetworkAddress'],
    ['tcp://127.0.0.1:0', 'ErrInvalidNetworkAddress'],
    ['udp://127.0.0.1', 'ErrInvalidNetworkAddress'],
    ['unix://', 'ErrInvalidNetworkAddress'],
    ['tcp://127.0.0.1:1', 'ErrInvalidOption', { timeout: -1 }],
    ['tcp://127.0.0.1:1', 'ErrInvalidOption', { localAddress: 'nowhere' }],
    ['udp://127.0.0.1:1', 'ErrUnsupportedOp', { tls: true }],
    ['unix:///tmp/x', 'ErrInvalidNetworkAddress', { localAddress: '127.0.0.1' }],
  ];
  for (const [address, code, options] of refused) {
    assert.throws(() => client.link(address, options), { code }, address);
  }
});

test('options that are no object, or are misspelt, are refused', async (t) => {
  const { client } = await startClient(t);
  const [loop] = client.loops;
  const calls: Record<string, (options: never) => unknown> = {
    dial: (options) => client.dial('tcp://127.0.0.1:1', options),
    register: (options) => loop?.register('tcp://127.0.0.1:1', options),
    'register of a descriptor': (options) => loop?.register(2 ** 30, options),
    link: (options) => client.link('tcp://127.0.0.1:1', options),
    pool: (options) => client.pool('tcp://127.0.0.1:1', options),
    client: (options) => makeClient({}, options),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const options of [null, 5, [], { timoeut: 5 }, { siganl: null }]) {
      const refused = async (): Promise<void> => void (await call(options as never));
      await assert.rejects(refused, { code: 'ErrInvalidOption' }, `${name} ${options}`);
    }
  }
  assert.throws(() => client.pool('tcp://127.0.0.1:1', undefined as never), ErrInvalidOption);
  assert.throws(() => client.link('tcp://127.0.0.1:1', { signal: 1 } as never), ErrInvalidOption);
});

test('the log has the first failure of a break, and no more', async (t) => {
  const { client, reports } = await startClient(t);
  const address = await deadAddress();
  const reconnect = { minDelay: 1, maxDelay: 1, limit: 4 };
  const link = client.link(`tcp://${address}`, { reconnect });
  await link.closed;
  // The other one: it was given up.
  assert.deepEqual(
    reports.map(({ message }) => message),
    [
      `a link cannot connect to tcp://${address}; it keeps trying`,
      'a link was given up: its attempts to connect failed',
    ],
  );
});

test('a peer that ends each connection at once counts as one that refuses', async (t) => {
  const rig = await startRig(t, { onOpened: () => Action.Close });
  const { client, reports } = await startClient(t);
  // One that outlasts the delay before it counts as good: a busy machine takes some time to end it.
  const reconnect = { minDelay: 50, maxDelay: 5_000, jitter: 0, limit: 3 };
  const link = client.link(`tcp://${rig.server.addr}`, { reconnect });
  assert.equal(codeOf(await link.closed), 'ErrConnClosed');
  assert.equal(link.reconnects, 3);
  assert.equal(reports.length, 1);
});

test('a peer that answers is as good as before, also for a handler that hears nothing', async (t) => {
  const rig = await startRig(t, { react: () => ['ok', Action.Close] }, { codec });
  const { client } = await startClient(t, {}, { codec });
  const reconnect = { minDelay: 30, jitter: 0, limit: 1 };
  const link = client.link(`tcp://${rig.server.addr}`, { reconnect });
  for (let count = 0; count < 4; count++) {
    await waitUntil(() => link.reconnects === count && link.conn !== null, `reconnect ${count}`);
    assert.ok(link.write('message'));
  }
  await waitUntil(() => link.reconnects === 4, 'it is back');
  assert.equal(link.isOver, false);
});

test('a peer that answers is as good as before, however short its connections are', async (t) => {
  const seen: string[] = [];
  const upstream: EventHandler = {
    react(line) {
      seen.push(String(line));
      return ['ok', Action.Close];
    },
  };
  const rig = await startRig(t, upstream, { codec });
  const { client } = await startClient(t, {}, { codec });
  const link = client.link(`tcp://${rig.server.addr}`, {
    confirm: true,
    reconnect: { minDelay: 30, jitter: 0, limit: 1 },
    handler: { react: () => link.confirm() },
  });
  const all = ['one', 'two', 'three', 'four'];
  for (const line of all) {
    link.write(line);
    await waitUntil(() => link.pendingMessages === 0, line);
  }
  assert.deepEqual(seen, all);
  assert.equal(link.isOver, false);
});

const failures: Record<string, () => void> = {
  rejects: () => Promise.reject(new Error('rejected')),
  throws() {
    throw new Error('thrown');
  },
};
for (const [how, onReconnect] of Object.entries(failures)) {
  test(`an onReconnect that ${how} is reported, and ends nothing`, async (t) => {
    const rig = await startRig(t, { react: () => Action.Close }, { codec });
    const { client, events, reports } = await startClient(t, {}, { codec });
    const link = client.link(`tcp://${rig.server.addr}`, { reconnect: { ...soon, onReconnect } });
    await waitUntil(() => link.conn !== null, 'the link');
    link.write('cut');
    await waitUntil(() => reports.length > 0 && link.conn !== null, 'the report');
    await link.close();
    assert.deepEqual([link.reconnects, reports.length], [1, 1]);
    assert.deepEqual(events, ['init', 'open', 'closed', 'open', 'closed']);
  });
}

test('what cannot be sent is not waited for by confirm', async (t) => {
  const rig = await startRig(t, { react: () => 'ok' }, { codec });
  const { client, reports } = await startClient(t);
  const fussy = {
    encode(_c: unknown, bytes: Uint8Array) {
      if (String(bytes) === 'bad') throw new Error('bad');
      return Buffer.concat([bytes, Buffer.from('\n')]);
    },
    decode: codec.decode.bind(codec),
  };
  const link = client.link(`tcp://${rig.server.addr}`, {
    confirm: true,
    handler: { onOpened: (c) => c.setCodec(fussy), react: () => link.confirm() },
  });
  for (const line of ['good', 'bad', 'better']) link.write(line);
  await waitUntil(() => link.pendingMessages === 0, 'both are confirmed');
  assert.equal(reports.length, 1);
});

test('a link over UDP hears what the network says', async (t) => {
  const gone = await startRig(t, {}, {}, 'udp://127.0.0.1:0');
  await gone.server.close();
  const errors: string[] = [];
  const onError: EventHandler['onError'] = (_c, error) => void errors.push(codeOf(error));
  const { client } = await startClient(t, { onError }, { reconnect: soon });
  const c = await client.dial(`udp://${gone.server.addr}`);
  c.sendTo('anybody?');
  await waitUntil(() => errors.length > 0, 'onError');
  assert.equal(errors[0], 'ECONNREFUSED');
});
