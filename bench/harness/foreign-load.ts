/** CPU time around a load generator that is not ours; see `bench/watch/window.c`. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, type Command, compileC, hasTool } from './command.ts';
import { compilerMissing, printedBy } from './echo-load.ts';
import type { LoadResult, LoadRun } from './load.ts';

const BINARY = 'window';
const SOURCE = fileURLToPath(new URL('../watch/window.c', import.meta.url));

export type Window = Pick<LoadResult, 'seconds' | 'loadCpuSeconds' | 'serverCpuSeconds'>;

export function foreignLoadMissing(tool: string, debianPackage: string): string | null {
  if (!hasTool(tool)) return `${tool} is missing (Debian: ${debianPackage})`;
  return compilerMissing();
}

export function buildWindow(): void {
  compileC(BINARY, [SOURCE]);
}

/**
 * Runs a load to its end. The window is its whole life, so whatever warms the server up has to be
 * a run of its own before. Rejects when the program fails.
 */
export async function runInWindow(run: LoadRun, load: Command, seconds: number) {
  const watched = run.serverPids.flatMap((pid) => ['--watch-pid', `${pid}`]);
  const args = [...watched, '--', load.program, ...load.args];
  const command = { ...load, program: join(BUILD_FOLDER, BINARY), args };
  const lines = (await printedBy(command, run.cores, seconds)).trimEnd().split('\n');
  const window = JSON.parse(lines.pop() ?? '') as Window;
  return { output: lines.join('\n'), window };
}
