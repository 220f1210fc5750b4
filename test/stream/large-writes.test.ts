/** Writes that the kernel cannot take at once: they stay in the program's memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { Conn } from 'gnet';
import { type ConnSocket, toDuplex, toWeb } from 'gnet/stream';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { freeAddress, type Rig, startRig, type TestScope } from '../support/rig.ts';
import { openSocket } from '../support/transport.ts';
import { waitUntil } from '../support/wait-until.ts';

/** More than the kernel holds for a connection whose peer does not read. */
const large = 24_000_000;
const bytes = new BytePattern(9).slice(0, large);

interface Pair {
  readonly rig: Rig;
  readonly socket: ConnSocket;
  readonly peer: Socket;
}

async function pairOf(t: TestScope, more = {}, transport: 'tcp' | 'tls' = 'tcp'): Promise<Pair> {
  let socket: ConnSocket | null = null;
  const handler = {
    onOpened(c: Conn) {
      socket = toDuplex(c, { allowHalfOpen: true, ...more });
    },
  };
  const rig = await startRig(t, handler, {}, freeAddress(t, transport));
  const peer = await openSocket(rig.server.addr);
  t.after(() => peer.destroy());
  peer.pause();
  await waitUntil(() => socket !== null, 'onOpened');
  return { rig, socket: socket as unknown as ConnSocket, peer };
}

async function everything(peer: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of peer) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Of the bytes that wait, gnet has copied no more than it offers the kernel at once. */
function assertFewCopied(socket: ConnSocket): void {
  const copied = socket.conn?.outboundBuffered() ?? 0;
  assert.ok(copied <= 400_000, `${copied} bytes are copied`);
}

test('one is not copied, keeps its place, and is counted once', async (t) => {
  const { socket, peer } = await pairOf(t);
  const order: string[] = [];
  const told = (name: string) => (error?: Error | null) => order.push(error ? `no ${name}` : name);
  socket.write('before', told('before'));
  assert.equal(socket.write(bytes, told('large')), false);
  socket.write('behind', told('behind'));
  socket.write(bytes.subarray(0, 1_000_000), told('another'));
  const total = 12 + large + 1_000_000;
  for (let look = 0; look < 3; look++) {
    assertFewCopied(socket);
    assert.equal(socket.bytesWritten, total);
    assert.ok(socket.writableLength <= total && socket.writableLength > 0);
    await new Promise(setImmediate);
  }
  let drains = 0;
  socket.on('drain', () => drains++);
  socket.end('end');
  const got = await everything(peer);
  assert.equal(got.length, total + 3);
  assert.equal(String(got.subarray(0, 6)), 'before');
  assert.ok(got.subarray(6, 6 + large).equals(bytes));
  assert.equal(String(got.subarray(6 + large, 12 + large)), 'behind');
  assert.equal(String(got.subarray(-3)), 'end');
  assert.deepEqual(order, ['before', 'large', 'behind', 'another']);
  assert.equal(drains, 0, 'nobody is to write on behind the end');
  assert.equal(socket.bytesWritten, total + 3);
  assert.equal(socket.writableLength, 0);
});

test('of text', async (t) => {
  const { socket, peer } = await pairOf(t);
  const text = 'größer '.repeat(1_000_000);
  assert.equal(socket.write(text), false);
  socket.write(text, 'latin1');
  assertFewCopied(socket);
  let drains = 0;
  socket.on('drain', () => {
    drains++;
    socket.end();
  });
  const got = await everything(peer);
  assert.ok(got.equals(Buffer.concat([Buffer.from(text), Buffer.from(text, 'latin1')])));
  assert.equal(drains, 1);
});

test('it is an error where the socket is destroyed before, and where its peer is gone', async (t) => {
  for (const end of ['destroy', 'reset'] as const) {
    const { socket, peer } = await pairOf(t);
    socket.on('error', () => {});
    const failed = new Promise<unknown>((resolve) => socket.write(bytes, resolve));
    await new Promise(setImmediate);
    if (end === 'destroy') socket.destroy();
    else peer.resetAndDestroy();
    assert.ok((await failed) instanceof Error, end);
    if (!socket.closed) await once(socket, 'close');
  }
});

for (const transport of ['tcp', 'tls'] as const) {
  test(`with a small mark, over ${transport}, to a peer that begins to read later`, async (t) => {
    const { socket, peer } = await pairOf(t, { highWaterMark: 1_000 }, transport);
    // The peer of the test goes without a goodbye of TLS.
    socket.on('error', () => {});
    socket.write(bytes);
    socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok((await everything(peer)).equals(bytes));
  });
}

test('behind more than the mark that did not come through the socket', async (t) => {
  const { socket, peer } = await pairOf(t);
  socket.conn?.writeNoCodec(bytes);
  socket.write(bytes.subarray(0, 1_000_000));
  socket.end();
  const got = await everything(peer);
  assert.equal(got.length, large + 1_000_000);
  assert.ok(got.subarray(large).equals(bytes.subarray(0, 1_000_000)));
});

test('a stop waits for one', async (t) => {
  const { rig, socket, peer } = await pairOf(t);
  socket.write(bytes);
  const stopped = rig.server.stop({ timeout: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const got = everything(peer).finally(() => peer.end());
  assert.ok((await got).equals(bytes));
  assert.equal((await stopped).forced, 0);
});

test('a stop waits for one of a web stream', async (t) => {
  let writing: Promise<void> | null = null;
  const rig = await startRig(t, {
    onOpened(c) {
      writing = toWeb(c).writable.getWriter().write(bytes);
      writing.catch(() => {});
    },
  });
  const peer = await openSocket(rig.server.addr);
  t.after(() => peer.destroy());
  peer.pause();
  await waitUntil(() => writing !== null, 'onOpened');
  const stopped = rig.server.stop({ timeout: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const got = everything(peer).finally(() => peer.end());
  assert.ok((await got).equals(bytes));
  assert.equal((await stopped).forced, 0);
});

test('callbacks keep the order of their writes, also behind others that wait for the kernel', async (t) => {
  const { socket, peer } = await pairOf(t, { highWaterMark: 1 << 26 });
  const { conn } = socket;
  assert.ok(conn !== null);
  const order: number[] = [];
  let count = 0;
  const write = (length: number): void => {
    const number = count++;
    socket.write(Buffer.alloc(length), () => order.push(number));
  };
  for (let round = 0; round < 10; round++) {
    peer.pause();
    while (conn.outboundBuffered() === 0) {
      write(200_000);
      await new Promise(setImmediate);
    }
    // These wait for the same moment as the last write.
    void conn.flushWrite('', true).then(() => write(10));
    write(100);
    void conn.flushWrite('', true).then(() => write(10));
    const all = count + 2;
    peer.resume();
    await waitUntil(() => order.length === all, 'all callbacks');
  }
  assert.deepEqual(
    order,
    order.map((_, index) => index),
  );
});
