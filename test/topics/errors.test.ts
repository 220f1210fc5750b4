/** What programs throw, and what others send that cannot be understood, ends no loop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conn } from 'gnet';
import { type Backplane, type Deliver, ErrTopicsClosed, topics } from 'gnet/topics';
import { jetStreamBackplane } from 'gnet/topics/jetstream';
import { freePort } from '../support/free-port.ts';
import { connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

/** A broker under the hand of the test. */
class Broker implements Backplane {
  deliver: Deliver = () => {};
  replayed: (() => void)[] = [];

  start(deliver: Deliver): void {
    this.deliver = deliver;
  }
  publish(): void {}
  subscribe(): void {}
  unsubscribe(): void {}
  async close(): Promise<void> {}

  async replay(_filter: string, _after: number, deliver: Deliver): Promise<void> {
    await new Promise<void>((resolve) => this.replayed.push(resolve));
    deliver('a', 'stored', 1);
  }
}

const announcement = (member: string, count: number): string =>
  JSON.stringify({ member, version: 1, counts: [['a', count]], isAll: true });

test('messages that cannot be understood, and programs that throw, are told to onError', () => {
  const backplane = new Broker();
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

test('encode may throw: for one message, and in the middle of a replay', async (t) => {
  const backplane = new Broker();
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
  const backplane = new Broker();
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
  backplane.start(() => {});
  const replayed = backplane.replay?.('a', 0, () => {});
  await backplane.close();
  await replayed;
});
