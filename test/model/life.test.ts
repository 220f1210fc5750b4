/** What handlers hear is what the model of a connection's life says, in every order of events. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readLifePage, withLifeTables } from '../../scripts/life-tables.ts';
import { seedOfRun } from '../../src/driver/simulated/index.ts';
import { driverName } from '../support/driver.ts';
import { missing } from '../support/outside-client.ts';
import { driverWalks, everyOrder, fixedWalks, roughWalks } from './model-runner.ts';

describe('the life of a connection', () => {
  test('simulated: every order of three events', async () => {
    const { cases, wrong } = await everyOrder(3);
    assert.deepEqual(wrong, []);
    assert.ok(cases > 1_500, `${cases} walks`);
  });

  test('simulated: long walks over a line that splits and delays', async () => {
    const { cases, wrong } = await roughWalks(seedOfRun(), 50, 20);
    assert.deepEqual(wrong, []);
    assert.equal(cases, 200);
  });

  test('over real sockets: random walks', { skip: missing('python3') }, async () => {
    const { cases, wrong } = await driverWalks(driverName, seedOfRun(), 12, 10);
    assert.deepEqual(wrong, []);
    assert.equal(cases, 48);
  });

  test('walks that were wrong once', { skip: missing('python3') }, async () => {
    const { cases, wrong } = await fixedWalks(driverName);
    assert.deepEqual(wrong, []);
    assert.equal(cases, 4);
  });

  test('the documentation says so', () => {
    const page = readLifePage();
    assert.equal(withLifeTables(page), page, 'node scripts/life-tables.ts writes the tables again');
  });
});
