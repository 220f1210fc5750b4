/** What several runs of the tests came to, a line of JSON each in one file, and its table and totals. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Counts, RunReport } from './record-reporter.ts';

export const nothing: Counts = {
  tests: 0,
  suites: 0,
  pass: 0,
  fail: 0,
  cancelled: 0,
  skipped: 0,
  todo: 0,
};

export interface RunRecord extends RunReport {
  readonly lane: string;
  readonly passed: boolean;
  /** Why it did not run at all, or did not come to its end. */
  readonly remark?: string;
}

export function appendRecord(path: string, record: RunRecord): void {
  appendFileSync(path, `${JSON.stringify(record)}\n`);
}

export function readRecords(path: string): RunRecord[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RunRecord);
}

function outcomeOf({ passed, counts }: RunRecord): string {
  if (!passed) return 'FAILED';
  return counts.tests === 0 ? 'skipped' : 'passed';
}

function lineOf(record: RunRecord): string {
  const { lane, counts, durationMs, remark } = record;
  const { pass, fail, cancelled, skipped } = counts;
  const numbers =
    counts.tests === 0
      ? ''
      : `: ${pass} passed, ${skipped} skipped, ${fail + cancelled} failed, ${Math.round(durationMs / 1_000)} s`;
  return `${outcomeOf(record)}  ${lane}${numbers}${remark === undefined ? '' : `: ${remark}`}`;
}

/** A line per lane, with the names of what failed, then the sum in the words of Node's test runner. */
export function summaryOf(records: readonly RunRecord[]): string {
  const lines = ['', '== lanes'];
  const totals: Record<string, number> = { ...nothing };
  let durationMs = 0;
  for (const record of records) {
    lines.push(lineOf(record));
    for (const name of record.failed) lines.push(`        ${name}`);
    for (const [name, count] of Object.entries(record.counts)) {
      totals[name] = (totals[name] ?? 0) + count;
    }
    durationMs += record.durationMs;
  }
  for (const [name, count] of Object.entries(totals)) lines.push(`ℹ ${name} ${count}`);
  lines.push(`ℹ duration_ms ${durationMs}`);
  return lines.join('\n');
}
