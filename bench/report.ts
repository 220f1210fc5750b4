/**
 * `npm run bench:report`: from stored results (bench/results/) draws every plot beside them and
 * writes docs/benchmark-results.md and the section of README.md between its markers, and says which
 * aims are reached. It measures nothing. With a folder, `-- FOLDER`, everything is written there instead.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aimLines } from './harness/aims.ts';
import { PROJECT_FOLDER } from './harness/command.ts';
import { README_BEGIN, README_END, resultsPage, withResults } from './harness/page.ts';
import { RESULTS_FOLDER, readStored, type StoredResult } from './harness/results.ts';
import { WORKS } from './harness/work.ts';
import { drawAll } from './plots/draw.ts';

/** In the order in which the works are listed, not that of their names; of a work the newest first. */
function inOrder(results: readonly StoredResult[]): StoredResult[] {
  const rank = ({ work }: StoredResult) => WORKS.findIndex(({ name }) => name === work);
  return [...results].sort((a, b) => rank(a) - rank(b) || b.measuredAt.localeCompare(a.measuredAt));
}

function writeReadme(results: readonly StoredResult[]): string {
  const path = join(PROJECT_FOLDER, 'README.md');
  if (!existsSync(path)) return 'README.md does not exist, no section was written';
  const written = withResults(readFileSync(path, 'utf8'), results);
  if (written === null) return `README.md has no ${README_BEGIN} ... ${README_END}`;
  writeFileSync(path, written);
  return 'wrote the section of README.md';
}

const elsewhere = process.argv[2];
if (elsewhere?.startsWith('-')) {
  console.log(
    'npm run bench:report -- [FOLDER]   draws and writes from stored results, bench/results/ or FOLDER',
  );
  process.exit(elsewhere === '--help' ? 0 : 2);
}
const folder = resolve(elsewhere ?? RESULTS_FOLDER);
try {
  const results = inOrder(readStored(folder));
  console.log(`drew ${drawAll(results, folder).length} figures in ${folder}`);
  const page = join(
    elsewhere === undefined ? join(PROJECT_FOLDER, 'docs') : folder,
    'benchmark-results.md',
  );
  writeFileSync(page, resultsPage(results));
  console.log(`wrote ${page}`);
  if (elsewhere === undefined) console.log(writeReadme(results));
  for (const line of aimLines(results)) console.log(line);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
