/**
 * `npm run bench:all`: installs the other servers, measures every kind of work, draws the plots and
 * writes the pages. Options go to `npm run bench`; with `--quick` or `--out` nothing in the tree changes.
 */

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER } from './harness/command.ts';

function run(script: string, args: readonly string[]): boolean {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const options = ['--disable-warning=ExperimentalWarning', file, ...args];
  return spawnSync(process.execPath, options, { stdio: 'inherit' }).status === 0;
}

/** Where the results go that these options ask for; null for the stored ones. */
function folderOf(args: readonly string[]): string | null {
  const at = args.findIndex((arg) => arg === '--out' || arg.startsWith('--out='));
  if (at !== -1) return resolve(args[at]!.split('=')[1] ?? args[at + 1] ?? '');
  return args.includes('--quick') ? join(BUILD_FOLDER, 'quick') : null;
}

const args = process.argv.slice(2);
const folder = folderOf(args);
// A server that cannot be installed is left out of the tables by name: the others are worth having.
const installed = run('install.ts', []);
const measured = run('bench.ts', ['--only', 'all', ...args]);
const written = run('report.ts', folder === null ? [] : [folder]);
if (!installed || !measured || !written) process.exitCode = 1;
