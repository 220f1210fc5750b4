import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FoundBefore } from './found-before.ts';

test('what was found before is not looked for again, and not kept for ever', () => {
  let looked = 0;
  const lengths = new FoundBefore((text) => {
    looked++;
    return text.length;
  });
  assert.deepEqual([lengths.of('a'), lengths.of('bb'), lengths.of('a')], [1, 2, 1]);
  assert.equal(looked, 2);
  for (let index = 0; index < 1_000; index++) lengths.of(`topic ${index}`);
  assert.equal(lengths.of('a'), 1);
  assert.equal(looked, 1_003);
});

test('long texts and failures are not kept', () => {
  let looked = 0;
  const lengths = new FoundBefore((text) => {
    looked++;
    if (text === '') throw new TypeError('nothing');
    return text.length;
  });
  const long = 'x'.repeat(1_000);
  assert.deepEqual([lengths.of(long), lengths.of(long)], [1_000, 1_000]);
  for (const _ of [1, 2]) assert.throws(() => lengths.of(''), TypeError);
  assert.equal(looked, 4);
});
