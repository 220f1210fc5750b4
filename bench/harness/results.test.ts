import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaseResult, cpuUsPerRequest, ratio, type Sample, summarise } from './results.ts';

function sample(peer: string, round: number, values: Partial<Sample> = {}): Sample {
  return {
    peer,
    round,
    requests: 1000,
    bytes: 64_000,
    seconds: 2,
    latencyUs: { p50: 10, p99: 20, p999: 30, max: 40 },
    lost: 0,
    loadCpuSeconds: 1,
    serverCpuSeconds: 0.005,
    peakMemoryBytes: null,
    ...values,
  };
}

function caseOf(samples: readonly Sample[]): CaseResult {
  return { case: { connections: 1, size: 64, pipeline: 1 }, samples, failures: [] };
}

test('summarise turns raw values into figures per request, KiB and second', () => {
  const summary = summarise(caseOf([sample('ours', 0)]), 'ours');
  assert.ok(summary !== null);
  assert.equal(summary.cpuUsPerRequest.median, 5);
  assert.equal(summary.cpuUsPerKiB.median, 80);
  assert.equal(summary.requestsPerSecond.median, 500);
  assert.equal(summary.peakMemoryBytes, null);
  assert.equal(summary.loadUtilisation.median, 0.5);
});

test('summarise marks figures of a load generator at its own limit', () => {
  const busy = summarise(caseOf([sample('ours', 0, { loadCpuSeconds: 1.96 })]), 'ours');
  const idle = summarise(caseOf([sample('ours', 0, { loadCpuSeconds: 1.8 })]), 'ours');
  assert.deepEqual([busy?.loadSaturated, idle?.loadSaturated], [true, false]);
});

test('summarise gives null for a peer without a sample', () => {
  assert.equal(summarise(caseOf([sample('ours', 0)]), 'theirs'), null);
});

test('ratio pairs values of the same round, so that a slow round does not count', () => {
  const result = caseOf([
    sample('ours', 0, { serverCpuSeconds: 0.004 }),
    sample('theirs', 0, { serverCpuSeconds: 0.008 }),
    sample('theirs', 1, { serverCpuSeconds: 0.08 }),
    sample('ours', 1, { serverCpuSeconds: 0.04 }),
    sample('ours', 2, { serverCpuSeconds: 9 }),
  ]);
  const found = ratio(result, 'ours', 'theirs', cpuUsPerRequest);
  assert.deepEqual(found, { median: 0.5, low: 0.5, high: 0.5 });
});

test('ratio is null when no round has both', () => {
  const result = caseOf([sample('ours', 0), sample('theirs', 1)]);
  assert.equal(ratio(result, 'ours', 'theirs', cpuUsPerRequest), null);
});
