/** The short part of `npm run torture -- --only time`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedOfRun } from '../../src/driver/simulated/index.ts';
import { driverName } from '../support/driver.ts';
import { runTime } from './time.ts';

test('lost and changed time costs nobody a connection', async () => {
  const { cases, wrong } = await runTime(driverName, 'short', seedOfRun());
  assert.deepEqual(wrong, []);
  assert.ok(cases > 40, `${cases} cases`);
});
