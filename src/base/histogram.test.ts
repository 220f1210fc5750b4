import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram, histogramBounds, histogramNumbers } from './histogram.ts';

const made = (firstExponent: number, unitsPerValue: number): Histogram =>
  new Histogram(new Float64Array(histogramNumbers), firstExponent, unitsPerValue);

test('a bucket contains its bound, and what is above all bounds is counted', () => {
  const histogram = made(4, 1);
  for (const value of [0, 1, 16, 17, 32, 2 ** 25, 2 ** 25 + 1, 2 ** 40]) histogram.record(value);
  const { bounds, counts, count, sum } = histogram.figures();
  assert.deepEqual([bounds[0], bounds[1], bounds.at(-1)], [16, 32, 2 ** 25]);
  assert.deepEqual([counts[0], counts[1], counts.at(-2), counts.at(-1)], [3, 2, 1, 2]);
  assert.equal(counts.length, histogramBounds + 1);
  assert.equal(count, 8);
  assert.equal(sum, 66 + 2 ** 26 + 1 + 2 ** 40);
});

test('every value is in the bucket that its bounds say', () => {
  const value = fc.double({ min: 0, max: 20_000, noNaN: true });
  fc.assert(
    fc.property(value, (ms) => {
      const histogram = made(2, 1_000);
      histogram.record(ms);
      const { bounds, counts } = histogram.figures();
      const wanted = bounds.findIndex((bound) => Math.ceil(ms * 1_000) <= bound * 1_000);
      assert.equal(counts.indexOf(1), wanted === -1 ? bounds.length : wanted);
    }),
  );
});

test('a negative value counts as 0', () => {
  const histogram = made(2, 1_000);
  histogram.record(-5);
  const { counts, sum } = histogram.figures();
  assert.deepEqual([counts[0], sum], [1, 0]);
});
