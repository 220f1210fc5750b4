/** Loops that begin while another one publishes: they hear what is published from their subscription on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type Subscriber, type Topics, topics } from 'gnet/topics';
import { settle, waitUntil } from '../support/wait-until.ts';
import { rounds, type Shared, step } from './programs/latecomer-steps.ts';

const missed = 20_000;

function hears(hub: Topics, topic: string): string[] {
  const heard: string[] = [];
  const send = (message: { readonly payload: Uint8Array }): boolean => {
    heard.push(String(message.payload));
    return true;
  };
  const subscriber = { isOpen: true, bufferedAmount: 0, send };
  hub.subscribe(subscriber as unknown as Subscriber, topic);
  return heard;
}

test('in another thread, also before this one has had a turn', async (t) => {
  const words = new SharedArrayBuffer(4);
  const state = new Int32Array(words);
  const url = new URL('./programs/latecomer.ts', import.meta.url);
  const thread = new Worker(url, { workerData: { words, missed } satisfies Shared });
  t.after(() => thread.terminate());
  const said: unknown[] = [];
  thread.on('message', (word) => said.push(word));
  await waitUntil(() => said.length === 1, 'the thread runs');
  for (let round = 0; round < rounds; round++) {
    Atomics.store(state, 0, step.alone);
    const hub = topics(`late ${round}`);
    // Long enough to know that it is alone, where it can know.
    await settle(10);
    hub.publish('news', 'to nobody');
    thread.postMessage('begin');
    Atomics.wait(state, 0, step.alone, missed);
    hub.publish('news', 'to the one that has just subscribed');
    await waitUntil(() => said.length === round + 2, 'the thread has heard it');
    await hub.close();
  }
  assert.deepEqual(new Set(said), new Set(['here', 'heard']));
});

test('in the same thread, also of one that closes at once', async () => {
  const first = topics('one thread');
  await settle(10);
  const second = topics('one thread');
  const heard = hears(second, 'news');
  first.publish('news', 'first');
  await waitUntil(() => heard.length === 1, 'it hears the first message');
  const third = topics('one thread');
  const alsoHeard = hears(third, 'news');
  first.publish('news', 'second');
  await first.close();
  await waitUntil(
    () => heard.length === 2 && alsoHeard.length === 1,
    'both hear the second message',
  );
  assert.deepEqual([heard, alsoHeard], [['first', 'second'], ['second']]);
  await second.close();
  await third.close();
});

test('beside one that closes behind its first message', async () => {
  const lone = topics('short');
  await settle(10);
  const other = topics('short');
  const heard = hears(other, 'news');
  lone.publish('news', 'last');
  await lone.close();
  await waitUntil(() => heard.length === 1, 'it hears the last message');
  await other.close();
});
