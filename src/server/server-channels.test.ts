import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { tellRestart } from './server-channels.ts';

test('a restart is told of at its start, and at its end with what became of it', async (t) => {
  const heard: unknown[] = [];
  for (const name of ['start', 'done', 'failed']) {
    const listener = (message: unknown): void => void heard.push([name, message]);
    subscribe(`gnet:restart.${name}`, listener);
    t.after(() => unsubscribe(`gnet:restart.${name}`, listener));
  }
  const result = { pid: 17, drained: new Map() };
  assert.equal(await tellRestart(2, async () => result), result);
  assert.deepEqual(heard.splice(0), [
    ['start', { servers: 2 }],
    ['done', { pid: 17 }],
  ]);
  const error = new Error('in vain');
  await assert.rejects(
    tellRestart(1, () => Promise.reject(error)),
    error,
  );
  assert.deepEqual(heard, [
    ['start', { servers: 1 }],
    ['failed', { error }],
  ]);
});
