/** Stacks as a program wants them: its own frames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programFrames } from './origin.ts';

const own = new URL('.', import.meta.url).href;
const stackOf = (...frames: string[]) => ({
  stack: ['Error', ...frames.map((frame) => `    at ${frame}`)].join('\n'),
});

test('frames of this package and of the runtime around the program are left out', () => {
  const stack = stackOf(
    `captureOrigin (${own}origin.ts:1:1)`,
    'AsyncHook.init (node:internal/async_hooks:1:1)',
    'keep (file:///srv/orders.js:3:5)',
    'Array.map (<anonymous>)',
    'Orders.emit (node:events:1:1)',
    'Orders.react (file:///srv/orders.js:9:5)',
    'AsyncResource.runInAsyncScope (node:async_hooks:1:1)',
    `deliver (${own}frames.ts:1:1)`,
    'processImmediate (node:internal/timers:1:1)',
  );
  assert.deepEqual(programFrames(stack)?.split('\n'), [
    'at keep (file:///srv/orders.js:3:5)',
    'at Array.map (<anonymous>)',
    'at Orders.emit (node:events:1:1)',
    'at Orders.react (file:///srv/orders.js:9:5)',
  ]);
});

test('all frames where none is the program’s; nothing where there are none', () => {
  const frame = `deliver (${own}frames.ts:1:1)`;
  assert.equal(programFrames(stackOf(frame)), `at ${frame}`);
  assert.equal(programFrames({ stack: 'Error' }), undefined);
  assert.equal(programFrames({ stack: ['a program’s own form'] }), undefined);
  assert.equal(programFrames({}), undefined);
});
