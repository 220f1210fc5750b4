/** What a program does in its events is its own connection's business. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverName } from '../support/driver.ts';
import { runPrograms } from './programs.ts';

test('every event does every bad deed, and a bystander does not notice', async () => {
  const { cases, wrong } = await runPrograms(driverName);
  assert.deepEqual(wrong, []);
  assert.ok(cases > 200, `${cases} cases`);
});
