/** The short part of `npm run torture -- --only calls`: each call fails, and what was a fault once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverName } from '../support/driver.ts';
import { runCalls } from './call-runner.ts';

const skip = driverName === 'node' && 'the runtime makes the system calls';

test('a call that fails is noticed by those it is about', { skip }, async () => {
  const { cases, wrong } = await runCalls(driverName, 'short', 1);
  assert.deepEqual(wrong, []);
  assert.ok(cases > 20, `${cases} cells`);
});

test('also in the thread of a loop, before it listens', { skip }, async () => {
  const { cases, wrong } = await runCalls(driverName, 'short', 2, 'mmap=');
  assert.deepEqual(wrong, []);
  assert.ok(cases > 0);
});
