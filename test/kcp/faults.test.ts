/** KCP where something goes wrong: handlers that throw, peers that are late or ask for too much. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Action, type Reply } from 'gnet';
import { type KcpConn, type KcpHandler, type KcpOptions, kcpClient, serveKcp } from 'gnet/kcp';
import {
  command,
  emptyHeader,
  headerBytes,
  readSegment,
  writeSegment,
} from '../../src/kcp/segment.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { codeOf, type Report, recordingLogger, type TestScope } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const local = 'kcp://127.0.0.1:0';
const fast: KcpOptions = { nodelay: true, interval: 10 };

async function serving(t: TestScope, handler: KcpHandler, options: KcpOptions = fast) {
  const reports: Report[] = [];
  const logger = recordingLogger(reports);
  const server = await serveKcp(handler, local, { logger, ...options });
  t.after(() => server.close());
  return { server, reports };
}

async function dialling(t: TestScope, handler: KcpHandler = {}, options: KcpOptions = fast) {
  const client = await kcpClient(handler, options);
  t.after(() => client.stop());
  return client;
}

test('what was written right before a stop goes out', async (t) => {
  const { server } = await serving(t, {
    react: () => ['bye', Action.Shutdown],
    signalClose: (c) => void c.write('over'),
  });
  const heard: string[] = [];
  const client = await dialling(t, { react: (message) => void heard.push(String(message)) });
  (await client.dial(`kcp://${server.addr}`)).write('stop');
  await server.closed;
  await waitUntil(() => heard.length === 2, 'the last messages');
  assert.deepEqual(heard, ['bye', 'over']);

  const last: string[] = [];
  const other = await serving(t, { react: (message) => void last.push(String(message)) });
  const caller = await kcpClient({}, fast);
  (await caller.dial(`kcp://${other.server.addr}`)).write('last words');
  await caller.stop();
  await waitUntil(() => last.length === 1, 'the last words');
});

describe('onClosed', () => {
  for (const [name, onClosed] of [
    [
      'throws',
      () => {
        throw new Error('thrown');
      },
    ],
    ['rejects', () => Promise.reject(new Error('rejected')) as unknown as void],
  ] as const) {
    test(`that ${name} is reported, and ends nothing else`, async (t) => {
      // The close comes with a look at the time: what it throws there nobody but the runtime would catch.
      const { server, reports } = await serving(t, {
        react: (message, c) => (String(message) === 'bye' ? c.close() : message),
        onClosed,
      });
      let heard = 0;
      const client = await dialling(t, { react: () => void heard++ });
      (await client.dial(`kcp://${server.addr}`)).write('bye');
      await waitUntil(() => reports.length > 0, 'the report');
      (await client.dial(`kcp://${server.addr}`)).write('fine');
      await waitUntil(() => heard === 1, 'the echo');
    });
  }
});

test('close waits until the peer has an empty message, too', async (t) => {
  const { server: gone } = await serving(t, {});
  const address = `kcp://${gone.addr}`;
  await gone.close();
  const client = await dialling(t);
  const c = await client.dial(address);
  c.write('');
  c.close();
  // Nobody is there to acknowledge it.
  await settle();
  const lengths: number[] = [];
  const server = await serveKcp({ react: (message) => void lengths.push(message.length) }, address);
  t.after(() => server.close());
  await waitUntil(() => lengths.length === 1, 'the message');
  assert.deepEqual(lengths, [0]);
});

test('onError says that nobody listens, and the connection goes on', async (t) => {
  const { server: gone } = await serving(t, {});
  const address = `kcp://${gone.addr}`;
  await gone.close();
  const errors: string[] = [];
  const closed: string[] = [];
  const onClosed: KcpHandler['onClosed'] = (_c, error) => void closed.push(codeOf(error));
  const client = await dialling(t, {
    onError: (_c, error) => void errors.push(codeOf(error)),
    onClosed,
  });
  const c = await client.dial(address);
  c.write('anybody?');
  await waitUntil(() => errors.length > 0, 'the error');
  assert.equal(errors[0], 'ECONNREFUSED');
  assert.deepEqual(closed, []);
  const heard: string[] = [];
  const server = await serveKcp({ react: (message) => void heard.push(String(message)) }, address);
  t.after(() => server.close());
  await waitUntil(() => heard.length === 1, 'the message');
});

test('onError that throws ends its connection', async (t) => {
  const { server: gone } = await serving(t, {});
  await gone.close();
  const closed: string[] = [];
  const client = await dialling(t, {
    onError() {
      throw new Error('thrown');
    },
    onClosed: (_c, error) => void closed.push(codeOf(error)),
  });
  (await client.dial(`kcp://${gone.addr}`)).write('anybody?');
  await waitUntil(() => closed.length === 1, 'the end');
  assert.deepEqual(closed, ['ErrHandler']);
});

describe('a promise of another library', () => {
  const thenable = (then: (done: (reply: Reply) => void, failed: (error: Error) => void) => void) =>
    ({ then }) as unknown as Promise<Reply>;

  test('that settles twice counts once', async (t) => {
    const closed: string[] = [];
    const { server } = await serving(t, {
      react: (message) =>
        thenable((done, failed) => {
          done(message);
          failed(new Error('too late'));
        }),
      onClosed: (_c, error) => void closed.push(codeOf(error)),
    });
    const heard: string[] = [];
    const client = await dialling(t, { react: (message) => void heard.push(String(message)) });
    const c = await client.dial(`kcp://${server.addr}`);
    c.write('one');
    c.write('two');
    await waitUntil(() => heard.length === 2, 'the answers');
    assert.deepEqual(closed, []);
  });

  test('is waited for by a stop', async (t) => {
    const { server } = await serving(t, {
      react: () => Action.Shutdown,
      signalClose: (c) =>
        thenable((done) => {
          setTimeout(() => {
            c.write('late');
            done(undefined);
          }, 50);
        }) as unknown as Promise<void>,
    });
    const heard: string[] = [];
    const client = await dialling(t, { react: (message) => void heard.push(String(message)) });
    (await client.dial(`kcp://${server.addr}`)).write('stop');
    await server.closed;
    await waitUntil(() => heard.length === 1, 'the last message');
    assert.deepEqual(heard, ['late']);
  });
});

test('a message that the window can never hold closes the connection with a reason', async (t) => {
  const closed: string[] = [];
  const handler: KcpHandler = { onClosed: (_c, error) => void closed.push(codeOf(error)) };
  const { server } = await serving(t, handler, { ...fast, receiveWindow: 2 });
  const client = await dialling(t);
  const c = await client.dial(`kcp://${server.addr}`);
  c.write(Buffer.alloc(3 * 1_376));
  await waitUntil(() => closed.length === 1, 'the end');
  assert.deepEqual(closed, ['ErrFrameTooLong']);
});

/** The first segment of a conversation, as it is on the wire. */
function first(conv: number, text: string): Buffer {
  const datagram = Buffer.alloc(headerBytes + text.length);
  const header = { ...emptyHeader(), conv, cmd: command.push, wnd: 128, length: text.length };
  datagram.write(text, writeSegment(datagram, 0, header));
  return datagram;
}

test('what becomes of an old conversation does not touch the new one of that peer', async (t) => {
  const conns: KcpConn[] = [];
  const closed: number[] = [];
  const late = Promise.withResolvers<string>();
  const { server } = await serving(t, {
    onOpened: (c) => void conns.push(c),
    react: (message) => (String(message) === 'old' ? late.promise : message),
    onClosed: (c) => void closed.push(c.conv),
  });
  const peer = await DatagramClient.open(t);
  await peer.send(server.addr, first(1, 'old'));
  await waitUntil(() => conns.length === 1, 'the first conversation');
  await peer.send(server.addr, first(2, 'new'));
  await waitUntil(() => conns.length === 2, 'the second one');
  late.reject(new Error('too late'));
  const header = emptyHeader();
  const isEcho = (data: Buffer): boolean =>
    readSegment(data, 0, header) && header.conv === 2 && data.includes('new');
  await waitUntil(() => peer.received.some(isEcho), 'the echo');
  await settle();
  assert.deepEqual(closed, [1]);
});
