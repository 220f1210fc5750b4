import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generationsMax } from '../base/limits.ts';
import { generationAfter, nextFirstGeneration } from './first-generation.ts';

test('servers begin far from one another, with half of the generations to go', () => {
  const firsts = Array.from({ length: 100 }, nextFirstGeneration);
  for (const first of firsts) assert.ok(first >= 1 && first <= generationsMax / 2);
  assert.equal(new Set(firsts).size, firsts.length);
});

test('a successor begins above its predecessor, and never where nothing is left', () => {
  assert.equal(generationAfter(5, 0), 5, 'it had no connection');
  assert.equal(generationAfter(5, 900), 901);
  assert.equal(generationAfter(5, generationsMax - 1), 1);
  assert.equal(generationAfter(generationsMax / 2, generationsMax * 0.7), generationsMax * 0.7 + 1);
});
