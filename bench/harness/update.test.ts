import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { headlinesOf, occasionsText } from './headlines.ts';
import { readStored, SCHEMA, store, type WorkResult } from './results.ts';
import { update } from './update.ts';

const folder = mkdtempSync(join(tmpdir(), 'gnet-bench-update-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function resultOf(day: string, cpu: string, connections: readonly number[]): WorkResult {
  return {
    schema: SCHEMA,
    work: 'tcp-echo',
    title: 'TCP echo',
    kind: 'requests',
    load: 'echo-load',
    measuredAt: `${day}T12:00:00.000Z`,
    machine: { cpu, cores: 2, memoryBytes: 1, system: 'Linux', architecture: 'x64' },
    settings: {
      rounds: 1,
      seconds: 1,
      warmupSeconds: 1,
      settleSeconds: 1,
      pinning: { server: '0', load: '1', warning: null },
    },
    peers: [],
    skipped: [],
    cases: connections.map((count) => ({
      case: { size: 64, connections: count, pipeline: 1 },
      samples: [],
      failures: [],
    })),
  };
}

const found = () =>
  readStored(folder).map(({ stem, cases }) => [stem, cases.map((one) => one.case.connections)]);

test('results of some cases replace those, and leave the others of another day apart', () => {
  store(resultOf('2026-01-01', 'old', [1, 100, 1000]), folder);
  update(resultOf('2026-01-02', 'new', [100]), folder);
  assert.deepEqual(found(), [
    ['tcp-echo.2026-01-01', [1, 1000]],
    ['tcp-echo', [100]],
  ]);
  const lines = headlinesOf(readStored(folder));
  assert.deepEqual(
    lines.map(({ one }) => one.case.connections),
    [1, 100, 1000],
  );
  assert.equal(
    occasionsText(lines),
    '2026-01-02 on new, 2 cores, Linux x64 (1 of 3 lines); ' +
      '2026-01-01 on old, 2 cores, Linux x64 (2 of 3 lines)',
  );
});

test('results of one day and one machine come together, each case with its settings', () => {
  const base = resultOf('2026-01-02', 'new', [1]);
  const peers = [{ name: 'another', title: 'another', versions: {} }];
  update({ ...base, settings: { ...base.settings, rounds: 7 }, peers }, folder);
  const [, newest] = readStored(folder);
  assert.deepEqual(
    newest?.cases.map((one) => one.settings?.rounds ?? newest.settings.rounds),
    [7, 1],
  );
  assert.deepEqual(newest.peers, peers);
  assert.deepEqual(found(), [
    ['tcp-echo.2026-01-01', [1000]],
    ['tcp-echo', [1, 100]],
  ]);
  update(resultOf('2026-01-02', 'other', [8]), folder);
  assert.deepEqual(found(), [
    ['tcp-echo.2026-01-01', [1000]],
    ['tcp-echo.2026-01-02', [1, 100]],
    ['tcp-echo', [8]],
  ]);
});

test('a file goes when all of its cases were measured anew', () => {
  update(resultOf('2026-01-03', 'new', [1, 8, 100, 1000]), folder);
  assert.deepEqual(readdirSync(folder), ['tcp-echo.json']);
});
