/** How many are there: over loops and processes, also after one was killed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Conn } from 'gnet';
import { topics } from 'gnet/topics';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/outside-client.ts';
import { connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { FakeBroker } from './fake-broker.ts';
import { broker, type Listener, listener, startMember } from './topics-rig.ts';

/** Until all say the same count of `room`. */
async function agree(all: readonly Listener[], wanted: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const counts = await Promise.all(all.map((one) => one.presence('room')));
    if (counts.every((count) => count === wanted)) return;
    assert.ok(tries < 1_000, `${counts} instead of ${wanted}`);
    await sleep(20);
  }
}

const arrive = async (port: string): Promise<Listener> => {
  const one = await listener(port);
  await one.subscribe('room');
  return one;
};

test('presence counts over the loops of a process, also after one has died', async (t) => {
  const { port } = await startMember(t, '2');
  const all = [await arrive(port), await arrive(port), await arrive(port), await arrive(port)];
  await agree(all, 4);
  await all[0]?.subscribe('room/+');
  all[0]?.ws.send('-room');
  await agree(all.slice(1), 3);
  all[1]?.ws.send('die');
  const alive = () => all.filter(({ state }) => !state.isClosed);
  for (let tries = 0; alive().length === 4; tries++) {
    assert.ok(tries < 1_000, 'it never dies');
    await sleep(20);
  }
  const late = await arrive(port);
  const left = alive().slice(alive()[0] === all[0] ? 1 : 0);
  await agree([late, ...left], 1 + left.length);
  for (const { ws } of [late, ...alive()]) ws.close();
});

test('presence counts over processes, also after one was killed', {
  skip: missing('nats-server'),
}, async (t) => {
  const port = await freePort();
  await broker(t, 'nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js'], /is ready/);
  const url = `nats://127.0.0.1:${port}`;
  const here = await startMember(t, '1', url);
  const there = await startMember(t, '1', url);
  const stays = await arrive(here.port);
  const all = [stays, await arrive(there.port), await arrive(there.port)];
  await agree(all, 3);
  there.program.kill('SIGKILL');
  await agree([stays], 1);
  stays.ws.close();
});

test('what is told again is no change, whoever asks for all', (t) => {
  const backplane = new FakeBroker();
  const changes: string[] = [];
  const changed = (topic: string, count: number): void => void changes.push(`${topic} ${count}`);
  const hub = topics('again', { backplane, presence: { changed } });
  t.after(() => hub.close());
  let version = 0;
  const tell = (what: object): void =>
    backplane.deliver('$gnet/presence', JSON.stringify({ member: 'x', version, ...what }));
  const all = (...parts: (readonly [string, number])[][]): void => {
    for (const [index, counts] of parts.entries()) {
      version++;
      tell({ counts, isAll: index === 0, more: index < parts.length - 1 });
    }
  };
  all([['a', 2]], [['b', 1]]);
  assert.deepEqual(changes.splice(0), ['a 2', 'b 1']);
  all([['a', 2]], [['b', 1]]);
  assert.deepEqual(changes, []);
  all([['c', 3]], [['a', 2]]);
  assert.deepEqual(changes.splice(0), ['c 3', 'b 0']);
  // One part is lost: it asks again, and what it knew stays until then.
  version++;
  all([['a', 1]]);
  assert.deepEqual(changes.splice(0), ['a 1', 'c 0']);
  tell({ isLast: true });
  assert.deepEqual(changes, ['a 0']);
});

test('what is told fits into a message of a broker, however long the topics are', async (t) => {
  const backplane = new FakeBroker();
  const hub = topics('long', { backplane, presence: true });
  t.after(() => hub.close());
  const conns: Conn[] = [];
  const rig = await startRig(t, { onOpened: (c) => void conns.push(c) });
  await connect(t, rig);
  await waitUntil(() => conns.length === 1, 'it is there');
  const count = 40;
  const names = Array.from({ length: count }, (_, index) => `${index}`.padEnd(60_000, '字'));
  for (const name of names) hub.subscribe(conns[0] as Conn, name);
  const told = () =>
    backplane.contents
      .map((text) => JSON.parse(text))
      .filter(({ counts, isAll }) => isAll || counts?.length > 0);
  const isThrough = () => told().some(({ counts, more }) => counts.length > 0 && !more);
  await waitUntil(isThrough, 'it has told all');
  for (const text of backplane.contents) assert.ok(Buffer.byteLength(text) < 1024 * 1024);
  const known = told().flatMap(({ counts }) => counts.map(([name]: [string]) => name));
  assert.deepEqual([...new Set(known)].sort(), [...names].sort());
});

test('presence is counted when it was asked for', async (t) => {
  const hub = topics('nobody');
  t.after(() => hub.close());
  assert.throws(() => hub.presence('room'), TypeError);
});
