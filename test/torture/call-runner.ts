/** Runs `call-process.ts`, which may hang for good when a call fails. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DriverName } from '../../src/driver/contract.ts';
import { nodeFlags } from '../support/program.ts';

/** No cell takes that long, on the slowest machine. */
const cellMs = 60_000;

export interface CellsRun {
  cases: number;
  wrong: string[];
}

/** The driver `node` has no cells: the runtime makes its calls. */
export async function runCalls(
  driver: DriverName,
  which: 'short' | 'all',
  loops: number,
  words = '',
): Promise<CellsRun> {
  const run: CellsRun = { cases: 0, wrong: [] };
  if (driver === 'node') return run;
  const file = fileURLToPath(new URL('call-process.ts', import.meta.url));
  // In every thread, and before any file looks its calls up.
  const seams = ['failing-calls.ts', ...(driver === 'io_uring' ? ['failing-completions.ts'] : [])];
  const imports = seams.map(
    (name) => `--import=${new URL(`../../testing/${name}`, import.meta.url)}`,
  );
  const args = [...nodeFlags, ...imports, file, driver, which, String(loops), words];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = 'before the first cell';
  let timer = setTimeout(() => child.kill('SIGKILL'), cellMs);
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  for await (const line of createInterface(child.stdout)) {
    const { name, wrong } = JSON.parse(line) as { name: string; wrong: string };
    clearTimeout(timer);
    timer = setTimeout(() => child.kill('SIGKILL'), cellMs);
    run.cases++;
    last = `after ${name}`;
    if (wrong !== '') run.wrong.push(`${name}: ${wrong}`);
  }
  const code = await ended;
  clearTimeout(timer);
  if (code !== 0) run.wrong.push(`the process ended with ${code} ${last}`);
  return run;
}
