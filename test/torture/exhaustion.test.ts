/** The short part of `npm run torture -- --only exhaustion`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverName } from '../support/driver.ts';
import { runExhaustion } from './exhaustion.ts';

for (const lack of ['ports', 'threads', 'log']) {
  test(`a server without ${lack} says so, and goes on`, async (t) => {
    const { cases, wrong, lines } = await runExhaustion(driverName, [lack]);
    assert.deepEqual(wrong, []);
    if (cases === 0) t.skip(lines.join());
  });
}
