/** `toWeb(c)`: a connection as web streams. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conn } from 'gnet';
import { toWeb, type WebConnection, type WebOptions } from 'gnet/stream';
import { RawClient } from 'gnet/testing';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { assertSameBytes, startRig, type TestScope } from '../support/rig.ts';
import { rejection } from '../support/client-rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

async function webPair(t: TestScope, options?: WebOptions) {
  let opened: { web: WebConnection; c: Conn } | null = null;
  const rig = await startRig(t, {
    onOpened(c) {
      opened = { web: toWeb(c, options), c };
    },
  });
  const client = await RawClient.connect(rig.server.addr);
  t.after(() => client.destroy());
  await waitUntil(() => opened !== null, 'onOpened');
  const { web, c } = opened as unknown as { web: WebConnection; c: Conn };
  return { rig, client, web, c };
}

test('an echo by pipeTo', async (t) => {
  const { client, web } = await webPair(t);
  const bytes = new BytePattern(3).slice(0, 3_000_000);
  const piped = web.readable.pipeTo(web.writable);
  client.write(bytes);
  client.end();
  assertSameBytes(await client.readUntilEnd(), bytes);
  await piped;
  await web.closed;
});

test('a reader may bring its own memory', async (t) => {
  const { client, web } = await webPair(t);
  const reader = web.readable.getReader({ mode: 'byob' });
  const first = reader.read(new Uint8Array(4));
  client.write('abcdef');
  assert.equal(Buffer.from((await first).value as Uint8Array).toString(), 'abcd');
  const second = await reader.read(new Uint8Array(10));
  assert.equal(Buffer.from(second.value as Uint8Array).toString(), 'ef');
  client.end();
  const last = await reader.read(new Uint8Array(1));
  assert.equal(last.done, true);
});

test('an end of the peer while a reader waits with its own memory', async (t) => {
  const { client, web } = await webPair(t);
  const reader = web.readable.getReader({ mode: 'byob' });
  const read = reader.read(new Uint8Array(4));
  client.end();
  assert.equal((await read).done, true);
});

test('what nobody reads stays at the peer', async (t) => {
  const { client, web, c } = await webPair(t, { highWaterMark: 1_024 });
  const bytes = Buffer.alloc(8_000_000, 1);
  client.write(bytes);
  await settle();
  assert.ok(c.bufferLength() < 1_000_000);
  let length = 0;
  client.end();
  for await (const part of web.readable) length += part.length;
  assert.equal(length, bytes.length);
});

test('a write waits for room', async (t) => {
  const { client, web } = await webPair(t);
  client.pauseReading();
  const writer = web.writable.getWriter();
  let settled = false;
  const bytes = new BytePattern(4).slice(0, 16_000_000);
  const written = writer.write(bytes).then(() => {
    settled = true;
  });
  await settle();
  assert.equal(settled, false);
  client.resumeReading();
  await written;
  await writer.write('and text');
  await writer.close();
  const got = await client.readUntilEnd();
  assert.ok(got.equals(Buffer.concat([bytes, Buffer.from('and text')])));
});

test('a large write fails where the peer goes, or the connection ends', async (t) => {
  for (const end of ['reset', 'dispose'] as const) {
    const { client, web } = await webPair(t);
    client.pauseReading();
    const written = rejection(web.writable.getWriter().write(new Uint8Array(16_000_000)));
    await settle();
    if (end === 'reset') client.reset();
    else {
      void web[Symbol.asyncDispose]();
      client.resumeReading();
    }
    assert.ok((await written) instanceof Error);
  }
});

test('a reset is an error of both streams, and of closed', async (t) => {
  const { client, web } = await webPair(t);
  const read = rejection(web.readable.getReader().read());
  client.reset();
  const isReset = (error: unknown): void =>
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
  isReset(await read);
  isReset(await rejection(web.closed));
  await rejection(web.writable.getWriter().write('x'));
});

test('an abort of what is written is an error of what is read: it is not everything', async (t) => {
  const { client, web } = await webPair(t);
  client.write('half');
  const reader = web.readable.getReader();
  assert.equal(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'half');
  const next = rejection(reader.read());
  await web.writable.abort(new Error('no more'));
  assert.equal(((await next) as Error).message, 'no more');
  await web.closed;
});

test('an abort does not wait for a peer that does not read', async (t) => {
  for (const under of ['short writes', 'a long write', 'a close'] as const) {
    const highWaterMark = under === 'a close' ? 32_000_000 : 65_536;
    const { rig, client, web } = await webPair(t, { highWaterMark });
    client.pauseReading();
    const writer = web.writable.getWriter();
    const [count, length] = under === 'short writes' ? [80, 200_000] : [1, 16_000_000];
    const writes = Array.from({ length: count }, () => writer.write(new Uint8Array(length)));
    const last = under === 'a close' ? writer.close() : writes.at(-1);
    const failed = rejection(last as Promise<void>);
    const all = Promise.allSettled(writes);
    await settle();
    const aborted = Promise.allSettled([writer.abort(new Error('give up'))]);
    assert.ok((await failed) instanceof Error, under);
    await Promise.all([all, aborted, web.closed]);
    await waitUntil(() => rig.server.countConnections() === 0, under);
  }
});

test('an end in the middle of a wide element is an error of the reader only', async (t) => {
  const { client, web } = await webPair(t);
  const reader = web.readable.getReader({ mode: 'byob' });
  client.write('abc');
  const first = await reader.read(new Uint16Array(4));
  assert.equal(first.value?.byteLength, 2);
  const second = rejection(reader.read(new Uint16Array(4)));
  client.end();
  assert.ok((await second) instanceof TypeError);
  const writer = web.writable.getWriter();
  await writer.write('still here');
  await writer.close();
  assert.equal(String(await client.readUntilEnd()), 'still here');
  await web.closed;
});

test('what is no bytes resets the connection: the peer has not got everything', async (t) => {
  const { client, web } = await webPair(t);
  const writer = web.writable.getWriter();
  const read = rejection(web.readable.getReader().read());
  const wrong = (await rejection(writer.write(5 as never))) as NodeJS.ErrnoException;
  assert.equal(wrong.code, 'ErrInvalidReply');
  assert.equal(await read, wrong);
  assert.equal(await rejection(writer.closed), wrong);
  await web.closed;
  await rejection(client.readUntilEnd());
});

test('a signal, a cancel and a dispose end the connection', async (t) => {
  const abort = new AbortController();
  const signalled = await webPair(t, { signal: abort.signal });
  const read = rejection(signalled.web.readable.getReader().read());
  abort.abort(new Error('enough'));
  assert.equal(((await read) as Error).message, 'enough');
  const cancelled = await webPair(t);
  await cancelled.web.readable.cancel();
  await cancelled.web.closed;
  const disposed = await webPair(t);
  void disposed.client.readUntilEnd().then(() => disposed.client.end());
  await disposed.web[Symbol.asyncDispose]();
  for (const { rig } of [signalled, cancelled, disposed]) {
    await waitUntil(() => rig.server.countConnections() === 0, 'the connection goes');
  }
});
