import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoNumber } from '../../platform/index.ts';
import { AcceptRest, missed } from './accept-backoff.ts';

const numberOf = (name: string): number => errnoNumber(name) as number;

test('what an accept that gave no connection means', () => {
  const rest = new AcceptRest();
  assert.equal(rest.missed(numberOf('EAGAIN')), missed.nothingWaits);
  assert.equal(rest.missed(numberOf('EMFILE')), missed.rest);
  assert.equal(rest.missed(numberOf('EPERM')), missed.skip);
});

test('64 refusals in a row are a rest, however many turns they take; a connection between them is none', () => {
  const rest = new AcceptRest();
  const refusals = (): number[] => Array.from({ length: 63 }, () => rest.missed(numberOf('EPERM')));
  assert.deepEqual(new Set(refusals()), new Set([missed.skip]));
  rest.accepted();
  assert.deepEqual(new Set(refusals()), new Set([missed.skip]));
  assert.equal(rest.missed(numberOf('EPERM')), missed.rest);
  assert.deepEqual(new Set(refusals()), new Set([missed.skip]));
});

test('peers that reset while they wait cannot make a listener rest', () => {
  const rest = new AcceptRest();
  for (let count = 0; count < 1_000; count++) {
    assert.equal(rest.missed(numberOf('ECONNABORTED')), missed.skip);
  }
});
