/**
 * A reporter for Node's test runner: one line of JSON with what a run came to, for those who add up
 * several runs (`record.ts`). Written when the run is over.
 */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** As the runner prints them, in its order. */
export interface Counts {
  readonly tests: number;
  readonly suites: number;
  readonly pass: number;
  readonly fail: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly todo: number;
}

export interface RunReport {
  readonly counts: Counts;
  readonly durationMs: number;
  /** `file: name` of every test that failed by itself, and not because one inside it did. */
  readonly failed: readonly string[];
}

export default async function* recordReporter(source: AsyncIterable<TestEvent>) {
  const failed: string[] = [];
  for await (const event of source) {
    if (event.type === 'test:fail') {
      const { name, file, details } = event.data;
      const cause = details.error as Error & { failureType?: string };
      if (cause.failureType !== 'subtestsFailed')
        failed.push(`${relative(process.cwd(), file ?? '')}: ${name}`);
    }
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue;
    const { counts, duration_ms: durationMs } = event.data;
    const { tests, suites, passed: pass, cancelled, skipped, todo } = counts;
    const fail = tests - pass - cancelled - skipped - todo;
    const report: RunReport = {
      counts: { tests, suites, pass, fail, cancelled, skipped, todo },
      durationMs,
      failed,
    };
    yield `${JSON.stringify(report)}\n`;
  }
}
