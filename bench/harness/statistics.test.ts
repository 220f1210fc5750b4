import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bootstrapMedian, median, spread } from './statistics.ts';

const values = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), {
  minLength: 1,
  maxLength: 12,
});

test('median is the middle value, or the mean of the two middle ones', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.throws(() => median([]), RangeError);
});

test('spread holds the median between the smallest and the largest value', () => {
  assert.deepEqual(spread([5, 4, 9]), { median: 5, min: 4, max: 9 });
});

test('bootstrapMedian gives an interval around the median that the values bound', () => {
  fc.assert(
    fc.property(values, (sample) => {
      const interval = bootstrapMedian(sample);
      assert.equal(interval.median, median(sample));
      assert.ok(interval.low >= Math.min(...sample) && interval.low <= interval.median);
      assert.ok(interval.high <= Math.max(...sample) && interval.high >= interval.median);
    }),
    { numRuns: 10 },
  );
});

test('bootstrapMedian gives the same interval for the same values', () => {
  const sample = [1.1, 1.2, 0.9, 1.4, 1.0];
  assert.deepEqual(bootstrapMedian(sample), bootstrapMedian(sample));
});

test('bootstrapMedian narrows when the values agree', () => {
  const { low, high } = bootstrapMedian([2, 2, 2, 2, 2, 7]);
  assert.deepEqual([low, high < 7], [2, true]);
});
