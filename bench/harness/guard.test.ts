import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BASE, BASE_AGAIN, judge, TREE } from './guard.ts';
import { KINDS, type Sample } from './metrics.ts';
import type { CaseResult } from './results.ts';

const CPU = KINDS.requests.columns[0]!;

function caseOf(cpuUs: Readonly<Record<string, readonly number[]>>): CaseResult {
  const samples = Object.entries(cpuUs).flatMap(([peer, values]) =>
    values.map(
      (value, round): Sample => ({
        peer,
        round,
        requests: 1_000,
        bytes: 0,
        seconds: 1,
        latencyUs: { p50: null, p99: null, p999: null, max: null },
        lost: 0,
        loadCpuSeconds: 0.5,
        serverCpuSeconds: value / 1_000,
        peakMemoryBytes: null,
      }),
    ),
  );
  return { case: { connections: 1, size: 64, pipeline: 1 }, samples, failures: [] };
}

test('a difference beyond the noise is told, in both directions', () => {
  const base = { [BASE]: [5, 5, 5, 5, 5], [BASE_AGAIN]: [5.1, 4.95, 5, 5.05, 5] };
  assert.equal(judge(caseOf({ ...base, [TREE]: [6, 6, 6, 6, 6] }), CPU)?.outcome, 'slower');
  assert.equal(judge(caseOf({ ...base, [TREE]: [4, 4, 4, 4, 4] }), CPU)?.outcome, 'faster');
  assert.equal(judge(caseOf({ ...base, [TREE]: [5, 5.05, 5, 4.9, 5.1] }), CPU)?.outcome, 'same');
});

test('the same difference is not told when the base differs from itself as much', () => {
  const restless = { [BASE]: [5, 5, 5, 5, 5], [BASE_AGAIN]: [6.2, 4.1, 6.1, 4.2, 6.3] };
  const verdict = judge(caseOf({ ...restless, [TREE]: [6, 6, 6, 6, 6] }), CPU);
  assert.equal(verdict?.outcome, 'same');
  assert.ok(verdict.noise > 1.2);
});

test('a failed round leaves nothing to say', () => {
  const one = caseOf({ [BASE]: [5], [BASE_AGAIN]: [5], [TREE]: [5] });
  assert.equal(judge({ ...one, failures: [{ peer: TREE, round: 1, reason: 'x' }] }, CPU), null);
  assert.equal(judge(caseOf({ [BASE]: [5], [TREE]: [5] }), CPU), null);
});
