/** Loops that begin while another one publishes: they hear what is published from their subscription on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type Subscriber, type Topics, topics } from 'gnet/topics';
import { waitUntil } from '../support/wait-until.ts';
import { rounds, type Shared, step, wanted } from './programs/latecomer-steps.ts';

/** For code that is in no file. */
const topicsUrl = import.meta.resolve('gnet/topics');

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
  const thread = new Worker(url, { workerData: { words, missedMs: 10_000 } satisfies Shared });
  t.after(() => thread.terminate());
  const said: unknown[] = [];
  thread.on('message', (word) => said.push(word));
  await waitUntil(() => said.length === 1, 'the thread runs');
  for (let round = 0; round < rounds; round++) {
    Atomics.store(state, 0, step.begins);
    const hub = topics(`late ${round}`);
    hub.publish('news', 'to nobody');
    thread.postMessage('begin');
    Atomics.wait(state, 0, step.begins, 10_000);
    hub.publish('news', wanted);
    await waitUntil(() => said.length === round + 2, 'the thread says what it has heard');
    await hub.close();
  }
  assert.deepEqual(new Set(said), new Set(['here', 'heard']));
});

test('in another thread, which subscribes just before this one reads of it', async (t) => {
  const hub = topics('by port');
  t.after(() => hub.close());
  const code = `
    import { parentPort } from 'node:worker_threads';
    import { topics } from '${topicsUrl}';
    const hub = topics('by port');
    const send = (message) => {
      parentPort.postMessage(String(message.payload));
      hub.close();
      return true;
    };
    hub.subscribe({ isOpen: true, bufferedAmount: 0, send }, 'news');
    // A subscriber alone keeps no thread running.
    parentPort.on('message', () => {});
    parentPort.postMessage('subscribed');
  `;
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  t.after(() => thread.terminate());
  const said: unknown[] = [];
  thread.on('message', (word) => {
    said.push(word);
    if (word === 'subscribed') hub.publish('news', wanted);
  });
  await waitUntil(() => said.length === 2, 'the thread has heard it');
  assert.deepEqual(said, ['subscribed', wanted]);
});

test('while the one that publishes ends', async (t) => {
  const hub = topics('ends');
  t.after(() => hub.close());
  const heard = hears(hub, 'news');
  const code = `
    import { topics } from '${topicsUrl}';
    topics('ends').publish('news', 'last words');
  `;
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  t.after(() => thread.terminate());
  await waitUntil(() => heard.length === 1, 'the last words come');
  assert.deepEqual(heard, ['last words']);
});

test('in the same thread, also of one that closes at once', async () => {
  const first = topics('one thread');
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
