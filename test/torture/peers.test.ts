/** The short part of `npm run torture`: every order in which a peer can misbehave, once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverName } from '../support/driver.ts';
import { missing } from '../support/outside-client.ts';
import { runPeers } from './peers.ts';

test('what peers do in any order is seen as it must be', { skip: missing('python3') }, async () => {
  const { cases, wrong } = await runPeers(driverName);
  assert.deepEqual(wrong, []);
  assert.equal(cases, 288);
});
