/** What programs throw, and what others send that cannot be understood, ends no loop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conn } from 'gnet';
import { ErrTopicReserved, ErrTopicsClosed, ErrTopicTooLong, topics } from 'gnet/topics';
import { jetStreamBackplane } from 'gnet/topics/jetstream';
import { freePort } from '../support/free-port.ts';
import { connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { FakeBroker } from './fake-broker.ts';

const announcement = (member: string, count: number): string =>
  JSON.stringify({ member, version: 1, counts: [['a', count]], isAll: true });

test('messages that cannot be understood, and programs that throw, are told to onError', () => {
  const backplane = new FakeBroker();
  const errors: unknown[] = [];
  const thrown = new Error('of the program');
  const hub = topics('errors', {
    backplane,
    onError: (error) => errors.push(error),
    presence: {
      changed: () => {
        throw thrown;
      },
    },
  });
  for (const text of ['no JSON', 'null', '{"member":"x","version":1,"counts":5,"isAll":true}']) {
    backplane.deliver('$gnet/presence', text);
  }
  assert.equal(errors.length, 3);
  backplane.deliver('$gnet/presence', announcement('y', 2));
  assert.equal(errors.at(-1), thrown);
  assert.equal(hub.presence('a'), 2);
  return hub.close();
});

test('who publishes after the end is told so by name', async () => {
  const hub = topics('the end', {});
  await hub.close();
  assert.throws(
    () => hub.publish('a', 'late'),
    (error) => error instanceof ErrTopicsClosed && error.code === 'ErrTopicsClosed',
  );
});

test('functions of the program whose promises reject end nothing', async (t) => {
  const backplane = new FakeBroker();
  const errors: unknown[] = [];
  const thrown = new Error('later');
  const hub = topics('async', {
    backplane,
    // Who cannot even hear of errors: a warning of the process.
    onError: async (error) => {
      errors.push(error);
      throw error;
    },
    presence: {
      changed: async () => {
        throw thrown;
      },
    },
  });
  t.after(() => hub.close());
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  backplane.deliver('$gnet/presence', announcement('y', 2));
  await waitUntil(() => errors.length === 1, 'it is told');
  assert.equal(errors[0], thrown);
  const ours = () => warnings.filter(({ message }) => message.startsWith('Topics: '));
  await waitUntil(() => ours().length === 1, 'it is warned');
});

test('levels are bounded, and the topics of gnet its own', async (t) => {
  const backplane = new FakeBroker();
  const hub = topics('limits', { backplane, presence: true });
  t.after(() => hub.close());
  const conns: Conn[] = [];
  const rig = await startRig(t, { onOpened: (c) => void conns.push(c) });
  await connect(t, rig);
  await waitUntil(() => conns.length === 1, 'it is there');
  const subscriber = conns[0] as Conn;
  backplane.published.length = 0;
  const levels = (count: number): string => Array(count).fill('a').join('/');
  hub.subscribe(subscriber, levels(128).replace('a', '+'));
  assert.equal(hub.publish(levels(128), 'fine'), 1);
  for (const filter of [levels(129), levels(30_000), '+/'.repeat(128), `${levels(128)}/#`]) {
    assert.throws(() => hub.subscribe(subscriber, filter), ErrTopicTooLong);
  }
  assert.throws(() => hub.publish(levels(30_000), ''), ErrTopicTooLong);
  for (const topic of ['$gnet', '$gnet/presence', '$gnet/new']) {
    assert.throws(() => hub.publish(topic, announcement('forged', 1_000)), ErrTopicReserved);
    assert.throws(() => hub.subscribe(subscriber, topic), ErrTopicReserved);
  }
  assert.throws(() => hub.subscribe(subscriber, '$gnet/#'), ErrTopicReserved);
  assert.equal(hub.presence('a'), 0);
  hub.subscribe(subscriber, '$gnetwork/+');
  assert.equal(hub.publish('$gnetwork/x', 'fine'), 1);
  assert.deepEqual(backplane.published, [levels(128), '$gnetwork/x']);
});

test('encode may throw: for one message, and in the middle of a replay', async (t) => {
  const backplane = new FakeBroker();
  const errors: unknown[] = [];
  const hub = topics('encode', {
    backplane,
    onError: (error) => errors.push(error),
    encode: ({ data }) => {
      if (data !== 'fine') throw new Error('cannot encode');
      return data;
    },
  });
  t.after(() => hub.close());
  let resumed: Promise<void> | undefined;
  const rig = await startRig(t, {
    react(_frame, c) {
      resumed = hub.resume(c, 'a', 0);
      resumed.catch(() => {});
    },
  });
  const client = await connect(t, rig);
  client.write('go');
  await waitUntil(() => backplane.replayed.length === 1, 'the replay has begun');
  backplane.replayed[0]?.();
  await assert.rejects(resumed as Promise<void>, /cannot encode/);
  backplane.deliver('a', 'no');
  assert.equal(errors.length, 1);
  // The failed replay holds nothing back.
  backplane.deliver('a', 'fine');
  assert.equal(String(await client.readExactly(4)), 'fine');
});

test('a replay that overtakes another one of its subscriber leaves nothing behind', async (t) => {
  const backplane = new FakeBroker();
  const hub = topics('two', { backplane });
  t.after(() => hub.close());
  let subscriber: Conn | undefined;
  const rig = await startRig(t, {
    react(_frame, c) {
      subscriber = c;
    },
  });
  const client = await connect(t, rig);
  client.write('go');
  await waitUntil(() => subscriber !== undefined, 'it is there');
  const first = hub.resume(subscriber as Conn, 'a', 0);
  const second = hub.resume(subscriber as Conn, 'b', 0);
  backplane.deliver('a', '|live');
  backplane.replayed[1]?.();
  await second;
  backplane.replayed[0]?.();
  await first;
  assert.equal(String(await client.readExactly(17)), 'storedstored|live');
  backplane.deliver('b', '|later');
  assert.equal(String(await client.readExactly(6)), '|later');
});

test('a replay ends with its hub, even if NATS was never there', async () => {
  const backplane = jetStreamBackplane(`nats://127.0.0.1:${await freePort()}`);
  backplane.start(() => {}, { name: 'none', onError() {} });
  const replayed = backplane.replay?.('a', 0, async () => true);
  await backplane.close();
  await replayed;
});
