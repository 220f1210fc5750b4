/** The tracing channel `gnet:react`: what subscribers hear, from when on, and in which context. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import type { EventHandler } from 'gnet';
import { connect, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const steps = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

interface Trace {
  readonly frame: Buffer | null;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Writes down `step frame result-or-error`, as long as the test runs or until it is called off. */
function listen(t: TestScope): { heard: string[]; stop: () => void } {
  const heard: string[] = [];
  const tracing = tracingChannel('gnet:react');
  const subscribers = Object.fromEntries(
    steps.map((step) => {
      const hear = (message: unknown): void => {
        const { frame, result, error } = message as Trace;
        const outcome = error instanceof Error ? error.message : (result ?? '');
        heard.push(`${step} ${String(frame)} ${String(outcome)}`.trimEnd());
      };
      return [step, hear] as const;
    }),
  );
  tracing.subscribe(subscribers as never);
  const stop = (): void => void tracing.unsubscribe(subscribers as never);
  t.after(stop);
  return { heard, stop };
}

const handler: EventHandler = {
  react(frame) {
    const text = String(frame);
    if (text === 'later') return Promise.resolve('then');
    if (text === 'throw') throw new Error('thrown');
    if (text === 'reject') return Promise.reject(new Error('rejected'));
    return 'done';
  },
};

test('subscribers hear each step of a call, also on connections that were open before', async (t) => {
  const rig = await startRig(t, handler, { closeTimeout: 20 });
  const client = await connect(t, rig);
  client.write('untold');
  await client.readExactly(4);
  const { heard, stop } = listen(t);
  client.write('now');
  await client.readExactly(4);
  assert.deepEqual(heard.splice(0), ['start now', 'end now done']);
  client.write('later');
  await client.readExactly(4);
  const settled = ['start later', 'end later', 'asyncStart later then', 'asyncEnd later then'];
  assert.deepEqual(heard.splice(0), settled);
  stop();
  client.write('untold');
  await client.readExactly(4);
  assert.deepEqual(heard, []);
});

test('what a handler throws or rejects with is told, and closes its connection as ever', async (t) => {
  const rig = await startRig(t, handler, { closeTimeout: 20 });
  const { heard } = listen(t);
  (await connect(t, rig)).write('throw');
  await waitUntil(() => rig.events.includes('closed(ErrHandler)'), 'the close');
  assert.deepEqual(heard.splice(0), ['start throw', 'error throw thrown', 'end throw thrown']);
  (await connect(t, rig)).write('reject');
  await waitUntil(() => rig.closeErrors.length === 2, 'the second close');
  assert.deepEqual(heard.slice(0, 3), ['start reject', 'end reject', 'error reject rejected']);
});

test('a handler of one connection is traced, and calls in the bound context', async (t) => {
  const store = new AsyncLocalStorage<unknown>();
  const start = channel('tracing:gnet:react:start');
  let seen: unknown;
  const own: EventHandler = {
    react() {
      seen = store.getStore();
      return 'done';
    },
  };
  const rig = await startRig(t, { onOpened: (c) => c.setHandler(own) });
  const client = await connect(t, rig);
  await waitUntil(() => rig.events.includes('open'), 'it is open');
  start.bindStore(store, (message) => String((message as Trace).frame));
  t.after(() => start.unbindStore(store));
  client.write('in a span');
  await client.readExactly(4);
  assert.equal(seen, 'in a span');
});
