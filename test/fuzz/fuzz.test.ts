/** The short part of `npm run torture -- --only fuzz`: the corpus, and some thousand inputs more. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seedOfRun } from '../../src/driver/simulated/index.ts';
import { Random } from 'gnet/testing';
import { mutate } from '../../testing/coverage-fuzzer.ts';
import { besideNode } from './beside-node-http.ts';
import { runFuzz } from './fuzz-runner.ts';
import { fuzzTargets } from './targets.ts';

describe('whatever comes in', () => {
  const seed = seedOfRun();

  test('is the same in pieces, and ends in errors of ours only', () => {
    const { cases, wrong } = runFuzz(seed, 1_500, 60);
    assert.deepEqual(wrong, [], `GNET_SEED=${seed}`);
    assert.ok(cases >= 9_000, `${cases} inputs`);
  });

  test("HTTP: what Node's parser takes, too, it takes as the same", async () => {
    const http = fuzzTargets.find(({ name }) => name === 'http');
    assert.ok(http !== undefined);
    const random = new Random(seed);
    const changed = Array.from({ length: 100 }, () => {
      return mutate(http.seeds[random.below(http.seeds.length)] as Buffer, random, http);
    });
    for (const input of [...http.seeds, ...changed]) {
      assert.equal(await besideNode(input), '', `GNET_SEED=${seed}`);
    }
  });
});
