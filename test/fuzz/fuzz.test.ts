/** The short part of `npm run torture -- --only fuzz`: the corpus, and some thousand inputs more. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seedOfRun } from '../../src/driver/simulated/index.ts';
import { runFuzz } from './fuzz-runner.ts';

describe('whatever comes in', () => {
  const seed = seedOfRun();

  test('is the same in pieces and for others, and ends in errors of ours only', async () => {
    const { cases, wrong } = await runFuzz({ seed, inputs: 1_500, seconds: 60 });
    assert.deepEqual(wrong, [], `GNET_SEED=${seed}`);
    assert.ok(cases >= 10_500, `${cases} inputs`);
  });

  test('names the targets there are when one of another name is wanted', async () => {
    const plan = { seed, inputs: 1, seconds: 1, targets: 'http,htpp' };
    await assert.rejects(runFuzz(plan), /htpp: there is no such target, only codecs, /);
  });
});
