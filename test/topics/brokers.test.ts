/** What brokers refuse, and who hears whom through them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Conn } from 'gnet';
import {
  type Delivered,
  ErrTopicTooLong,
  type Topics,
  type TopicsOptions,
  topics,
} from 'gnet/topics';
import { jetStreamBackplane } from 'gnet/topics/jetstream';
import { natsBackplane } from 'gnet/topics/nats';
import { redisBackplane } from 'gnet/topics/redis';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/outside-client.ts';
import { connect, startRig, temporaryDirectory, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { broker, listener, reach, startMemberAs } from './topics-rig.ts';

async function startNats(t: TestScope, lineMax = 4_096): Promise<string> {
  const port = await freePort();
  const directory = temporaryDirectory(t);
  const config = join(directory, 'nats.conf');
  writeFileSync(config, `max_control_line: ${lineMax}\n`);
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory, '-c', config];
  await broker(t, 'nats-server', args, /Server is ready/);
  return `nats://127.0.0.1:${port}`;
}

async function startRedis(t: TestScope, ...more: string[]): Promise<string> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...more];
  await broker(t, 'redis-server', args, /Ready to accept/);
  return `redis://127.0.0.1:${port}`;
}

function hubOf(t: TestScope, name: string, options: TopicsOptions): Topics {
  const hub = topics(name, options);
  t.after(() => hub.close());
  return hub;
}

/** A subscriber, and what it has heard. */
async function startSubscriber(t: TestScope) {
  const conns: Conn[] = [];
  const rig = await startRig(t, { onOpened: (c) => void conns.push(c) });
  const client = await connect(t, rig);
  await waitUntil(() => conns.length === 1, 'it is there');
  return { client, conn: conns[0] as Conn };
}

const LONG = 'x'.repeat(5_000);

describe('NATS', { skip: missing('nats-server') }, () => {
  test('that has gone is told to onError', async (t) => {
    const port = await freePort();
    const args = ['-a', '127.0.0.1', '-p', String(port)];
    const server = await broker(t, 'nats-server', args, /Server is ready/);
    const errors: string[] = [];
    const onError = (error: Error): void => void errors.push(error.message);
    const url = `nats://127.0.0.1:${port}`;
    const hub = hubOf(t, 'gone', { backplane: natsBackplane(url, { onError }) });
    const other = hubOf(t, 'other', { backplane: natsBackplane(url, { onError: () => {} }) });
    const { client, conn } = await startSubscriber(t);
    hub.subscribe(conn, 'x');
    const asking = setInterval(() => other.publish('x', 'are you there?'), 10);
    await client.readExactly('are you there?'.length).finally(() => clearInterval(asking));
    server.kill('SIGKILL');
    await waitUntil(() => errors.length > 0, 'it is told');
    assert.match(errors[0] as string, /lost the connection to NATS at 127\.0\.0\.1/);
  });

  test('takes a topic as long as it says, and refuses longer ones before it is asked', async (t) => {
    const url = await startNats(t);
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    for (const backplane of [natsBackplane(url), jetStreamBackplane(url)]) {
      const hub = hubOf(t, 'long', { backplane, onError });
      const other = hubOf(t, 'other', { backplane: natsBackplane(url), onError });
      const { client, conn } = await startSubscriber(t);
      // As bytes: each of these is three, or nine when it is escaped.
      for (const topic of [LONG, `${LONG}/#`, '\u3000'.repeat(300), '字'.repeat(700)]) {
        assert.throws(() => hub.subscribe(conn, topic), ErrTopicTooLong);
        if (topic.endsWith('#')) continue;
        assert.throws(() => hub.publish(topic, ''), ErrTopicTooLong);
      }
      const longest = 'x'.repeat(1_900);
      const from = backplane.replay === undefined ? other : hub;
      hub.subscribe(conn, longest);
      for (let count = 0; client.receivedBytes === 0; count++) {
        assert.ok(count < 500, 'it never arrives');
        from.publish(longest, 'fine');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    // The stream may not have been there yet.
    const refused = errors.filter((error) => !/timeout|no responders/i.test(String(error)));
    assert.deepEqual(refused, []);
  });

  test('that takes less than it should does not hold up what comes behind', async (t) => {
    const errors: Error[] = [];
    const url = await startNats(t, 1_024);
    const nats = { reconnectTimeWait: 50 };
    const onError = (error: Error): void => void errors.push(error);
    const hub = hubOf(t, 'poison', { backplane: jetStreamBackplane(url, { nats, onError }) });
    const { client, conn } = await startSubscriber(t);
    hub.subscribe(conn, 'a');
    await hub.resume(conn, 'a', 0);
    hub.publish('x'.repeat(1_500), 'poison');
    hub.publish('a', 'behind');
    assert.equal(String(await client.readExactly(6)), 'behind');
    assert.match(String(errors), /maximum control line/i);
  });
});

describe('Redis', { skip: missing('redis-server') }, () => {
  test('processes of one host name and pid hear one another', async (t) => {
    const url = await startRedis(t);
    const members = [
      await startMemberAs(t, 'container.ts', '1', url),
      await startMemberAs(t, 'container.ts', '1', url),
    ] as const;
    const here = await listener(members[0].port);
    const there = await listener(members[1].port);
    await there.subscribe('room/+');
    await reach(here, [there], 'word');
    for (const { ws } of [here, there]) ws.close();
  });

  test('hubs of one process and several names hear one another, once', async (t) => {
    const url = await startRedis(t);
    const heard: string[] = [];
    const encode =
      (who: string) =>
      ({ data }: Delivered) => {
        heard.push(`${who} ${data}`);
        return data;
      };
    const a = hubOf(t, 'a', { backplane: redisBackplane(url), encode: encode('a') });
    const b = hubOf(t, 'b', { backplane: redisBackplane(url), encode: encode('b') });
    const { conn } = await startSubscriber(t);
    for (const hub of [a, b]) hub.subscribe(conn, 'x');
    let count = 0;
    for (; !heard.includes(`b ${count}`); count++) {
      assert.ok(count < 500, 'it never arrives');
      a.publish('x', String(count + 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(new Set(heard).size, heard.length, `${heard}`);
  });

  test('that refuses is told of', async (t) => {
    const url = await startRedis(t, '--requirepass', 'secret');
    for (const whose of ['its own', 'of the topics']) {
      const errors: unknown[] = [];
      const onError = (error: unknown): void => void errors.push(error);
      const hub = hubOf(t, whose, {
        backplane: redisBackplane(url, whose === 'its own' ? { onError } : {}),
        onError: whose === 'its own' ? () => assert.fail('the other one') : onError,
      });
      const { conn } = await startSubscriber(t);
      hub.subscribe(conn, 'a');
      await waitUntil(() => errors.length > 0, 'it is told');
      assert.match(String(errors[0]), /NOAUTH/);
      hub.publish('a', '');
      await hub.close();
    }
  });
});
