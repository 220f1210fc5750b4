/** The short part of `npm run torture -- --only links`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedOfRun } from '../../src/driver/simulated/index.ts';
import { driverName } from '../support/driver.ts';
import { noBadLinks, runBadLinks, shortAmount } from './bad-links.ts';

const skip = noBadLinks() || false;

test('every byte comes back over a link that loses and changes packets', { skip }, async () => {
  const { cases, wrong } = await runBadLinks(driverName, shortAmount, seedOfRun());
  assert.deepEqual(wrong, []);
  assert.equal(cases, 2);
});
