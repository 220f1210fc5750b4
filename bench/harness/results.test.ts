import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuUsPerRequest, KINDS, type Sample } from './metrics.ts';
import {
  type CaseResult,
  correctedRatio,
  difference,
  ratio,
  spreadOf,
  utilisation,
} from './results.ts';

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

test('metrics turn raw values into figures per request, KiB and second', () => {
  const one = caseOf([sample('ours', 0)]);
  const found = KINDS.requests.columns.map((metric) => [
    metric.column,
    spreadOf(one, 'ours', metric)?.median ?? null,
  ]);
  assert.deepEqual(found, [
    ['CPU us/req', 5],
    ['CPU us/KiB', 80],
    ['req/s', 500],
    ['MiB/s', 64_000 / 2 / 2 ** 20],
    ['p50 us', 10],
    ['p99 us', 20],
    ['p99.9 us', 30],
    ['RSS MiB', null],
  ]);
  assert.equal(utilisation(one, 'ours')?.load.median, 0.5);
});

test('a load generator at its own limit is marked', () => {
  const busy = utilisation(caseOf([sample('ours', 0, { loadCpuSeconds: 1.96 })]), 'ours');
  const idle = utilisation(caseOf([sample('ours', 0, { loadCpuSeconds: 1.8 })]), 'ours');
  assert.deepEqual([busy?.saturated, idle?.saturated], [true, false]);
});

test('a peer without a sample has no figures', () => {
  const one = caseOf([sample('ours', 0)]);
  assert.equal(utilisation(one, 'theirs'), null);
  assert.equal(spreadOf(one, 'theirs', KINDS.requests.columns[0]!), null);
});

test('memory and start-up have figures of their own', () => {
  const memory = caseOf([sample('ours', 0, { bytesPerConnection: 700 })]);
  assert.equal(spreadOf(memory, 'ours', KINDS.memory.columns[0]!)?.median, 700);
  const start = caseOf([sample('ours', 0, { requests: 1, seconds: 0.25, serverCpuSeconds: 0.2 })]);
  const found = KINDS.start.columns.map((metric) => spreadOf(start, 'ours', metric)?.median);
  assert.deepEqual(found, [250, 200, undefined]);
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

test('difference pairs values of the same round too', () => {
  const result = caseOf([
    sample('ours', 0, { serverCpuSeconds: 0.009 }),
    sample('theirs', 0, { serverCpuSeconds: 0.004 }),
    sample('ours', 1, { serverCpuSeconds: 0.095 }),
    sample('theirs', 1, { serverCpuSeconds: 0.09 }),
  ]);
  const found = difference(result, 'ours', 'theirs', cpuUsPerRequest);
  assert.ok(found !== null);
  for (const value of [found.low, found.median, found.high]) {
    assert.ok(Math.abs(value - 5) < 1e-9);
  }
});

test('the corrected ratio takes out how fast the machine was, where the load worked alike', () => {
  const window = (peer: string, round: number, slowness: number, share = 1): Sample =>
    sample(peer, round, {
      seconds: 1,
      loadCpuSeconds: share,
      requests: 1000 / slowness,
      serverCpuSeconds: peer === 'ours' ? 0.6 : 0.8,
    });
  const rounds = [0, 1, 2].flatMap((round) => [
    window('ours', round, 1 + round),
    window('theirs', round, 1),
  ]);
  const found = correctedRatio(caseOf(rounds), 'ours', 'theirs');
  assert.ok(found !== null && Math.abs(found.median - 0.75) < 1e-9, 'although ours ran slower');
  const idle = [...rounds, window('ours', 3, 1, 0.4), window('theirs', 3, 1)];
  assert.deepEqual(correctedRatio(caseOf(idle), 'ours', 'theirs'), found);
  assert.equal(correctedRatio(caseOf(rounds.slice(2)), 'ours', 'theirs'), null, 'too few rounds');
  const varied = rounds.map((one): Sample => ({ ...one, loadVaries: true }));
  assert.equal(correctedRatio(caseOf(varied), 'ours', 'theirs'), null, 'the load varies');
});
