/** `datagrams()`: those of a server, one by one. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { getEventListeners, once } from 'node:events';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Conn } from 'gnet';
import { type Datagram, datagrams, type DatagramsOptions } from 'gnet/stream';
import { rejection } from '../support/client-rig.ts';
import { startRig, type TestScope } from '../support/rig.ts';
import { portOf } from '../support/sides.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

async function received(t: TestScope, options?: DatagramsOptions) {
  const iterable = datagrams(options);
  const rig = await startRig(t, iterable.handler, {}, 'udp://127.0.0.1:0');
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const send = (text: string): void => socket.send(text, portOf(rig.server.addr), '127.0.0.1');
  return { iterable, rig, socket, send };
}

async function answer(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'message')) as [Buffer];
  return String(bytes);
}

test('each is there, may be kept, and is answered whenever', async (t) => {
  const { iterable, socket, send, rig } = await received(t);
  send('one');
  const first = (await iterable.next()).value;
  send('two');
  const second = (await iterable.next()).value;
  assert.equal(`${first.data} ${second.data}`, 'one two');
  const answered = answer(socket);
  first.c.sendTo('late');
  assert.equal(await answered, 'late');
  const next = iterable.next();
  await rig.server.stop();
  assert.equal((await next).done, true);
  assert.equal((await iterable.next()).done, true);
});

test('those that nobody asks for are dropped, and counted', async (t) => {
  const { iterable, send, rig } = await received(t, { highWaterMark: 2 });
  for (const text of ['1', '2', '3', '4']) send(text);
  await waitUntil(() => rig.server.stats().loops[0]?.datagramsReceived === 4, 'all arrive');
  await waitUntil(() => iterable.dropped === 2, 'two are dropped');
  const seen: string[] = [];
  for await (const { data } of iterable) {
    seen.push(String(data));
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ['1', '2']);
  assert.equal((await iterable.next()).done, true);
});

test('what was given out is kept by nobody, also while there is always one that waits', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const iterable = datagrams();
  const c = {} as Conn;
  const arrive = (): void => void iterable.handler.react?.(Buffer.from('one'), c);
  const take = async (): Promise<WeakRef<Datagram>> => new WeakRef((await iterable.next()).value);
  arrive();
  const taken: WeakRef<Datagram>[] = [];
  for (let round = 0; round < 10; round++) {
    arrive();
    taken.push(await take());
  }
  await settle();
  collect();
  // Those that came last may stand in the queue's own memory.
  assert.deepEqual(
    taken.slice(0, 5).map((one) => one.deref()),
    Array(5).fill(undefined),
  );
});

test('a signal ends the iteration with its reason', async (t) => {
  const abort = new AbortController();
  const { iterable } = await received(t, { signal: abort.signal });
  const next = rejection(iterable.next());
  const over = datagrams({ signal: abort.signal });
  await over.return?.();
  assert.equal(getEventListeners(abort.signal, 'abort').length, 1);
  const reason = new Error('enough');
  abort.abort(reason);
  assert.equal(await next, reason);
  assert.throws(() => datagrams({ highWaterMark: 0 }), { code: 'ErrInvalidOption' });
});
