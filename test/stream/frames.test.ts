/** `frames(c)`: a connection as an async iterable. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { type Conn, LineBasedFrameCodec, type Options } from 'gnet';
import { type FramesOptions, frames } from 'gnet/stream';
import { RawClient } from 'gnet/testing';
import { pair, startRig, type TestScope } from '../support/rig.ts';
import { rejection } from '../support/client-rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const lines: Options = { codec: new LineBasedFrameCodec() };

type Frames = ReturnType<typeof frames<Buffer>>;

/** Frames of one connection, from its beginning. */
async function framesPair(t: TestScope, options?: FramesOptions) {
  let opened: { iterable: Frames; c: Conn } | null = null;
  const rig = await startRig(
    t,
    {
      onOpened(c) {
        opened = { iterable: frames(c, options), c };
      },
    },
    lines,
  );
  const client = await RawClient.connect(rig.server.addr);
  t.after(() => client.destroy());
  await waitUntil(() => opened !== null, 'onOpened');
  const { iterable, c } = opened as unknown as { iterable: Frames; c: Conn };
  return { rig, client, iterable, c };
}

test('gives the frames of the codec, answers through it, and ends with the peer', async (t) => {
  const { client, iterable, c } = await framesPair(t);
  client.write('one\ntwo\nthree\n');
  client.end();
  const seen: string[] = [];
  for await (const frame of iterable) {
    seen.push(String(frame));
    c.asyncWrite(frame);
  }
  assert.deepEqual(seen, ['one', 'two', 'three']);
  assert.equal(String(await client.readUntilEnd()), 'one\ntwo\nthree\n');
});

test('a frame stays as it is until the next is asked for', async (t) => {
  const { client, iterable } = await framesPair(t);
  client.write('first\nsecond\n');
  const { value } = await iterable.next();
  await settle();
  assert.equal(String(value), 'first');
  assert.equal(String((await iterable.next()).value), 'second');
});

test('nothing is read while nobody asks', async (t) => {
  const { client, iterable, c } = await framesPair(t);
  client.write(`${'x'.repeat(1_000)}\n`.repeat(2_000));
  await iterable.next();
  await settle();
  assert.ok(c.bufferLength() <= 65_536);
  for (let frame = 1; frame < 2_000; frame++) await iterable.next();
});

test('leaving the loop closes the connection behind what was written', async (t) => {
  const { client, iterable, c } = await framesPair(t);
  client.write('stop\n');
  for await (const frame of iterable) {
    c.asyncWrite(`${frame} it`);
    break;
  }
  assert.equal(String(await client.readUntilEnd()), 'stop it\n');
});

test('keepOpen leaves it for somebody else', async (t) => {
  const { client, iterable, c } = await framesPair(t, { keepOpen: true });
  client.write('hello\nrest\n');
  for await (const _frame of iterable) break;
  const seen: string[] = [];
  for await (const frame of take(frames(c), c)) seen.push(String(frame));
  assert.deepEqual(seen, ['rest']);
});

/** Resumes, and takes one. */
async function* take(iterable: AsyncIterable<Buffer>, c: Conn): AsyncGenerator<Buffer> {
  c.resumeRead();
  for await (const frame of iterable) {
    yield frame;
    return;
  }
}

test('a break of the connection is thrown', async (t) => {
  const { client, iterable } = await framesPair(t);
  const next = rejection(iterable.next());
  client.reset();
  assert.equal(((await next) as NodeJS.ErrnoException).code, 'ECONNRESET');
});

test('a signal ends the iteration with its reason, and the connection', async (t) => {
  const abort = new AbortController();
  const { rig, iterable } = await framesPair(t, { signal: abort.signal });
  const next = rejection(iterable.next());
  const reason = new Error('enough');
  abort.abort(reason);
  assert.equal(await next, reason);
  await waitUntil(() => rig.server.countConnections() === 0, 'the connection goes');
});

test('one frame is asked for at a time; leaving answers whoever waits', async (t) => {
  const { client, iterable } = await framesPair(t);
  const first = iterable.next();
  await assert.rejects(iterable.next(), { code: 'ErrUnsupportedOp' });
  client.write('one\n');
  assert.equal(String((await first).value), 'one');
  const waiting = iterable.next();
  await iterable.return?.();
  assert.equal((await waiting).done, true);
});

test('what was left open stays so: neither a second end nor a signal closes it', async (t) => {
  const abort = new AbortController();
  const { rig, client, iterable } = await framesPair(t, { keepOpen: true, signal: abort.signal });
  client.write('hello\n');
  for await (const _frame of iterable) break;
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  abort.abort();
  await iterable[Symbol.asyncDispose]();
  await settle();
  assert.equal(rig.server.countConnections(), 1);
});

test('a datagram has none', async (t) => {
  const { c } = await pair(t);
  assert.throws(() => frames({ ...c, id: -1 } as Conn), { code: 'ErrUnsupportedOp' });
});
