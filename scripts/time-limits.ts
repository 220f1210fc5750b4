/**
 * Ends test files that run for too long. The runner's own limit (`--test-timeout`) is one of single
 * tests and needs their thread: a file that spins, or one whose process does not end, would stop
 * the run for ever.
 */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const lookEveryMs = 1_000;
/** For the runner to print its summary before it is ended as well. */
const lastWordsMs = 10_000;

export interface TimeLimits {
  /** Milliseconds for one file. Known on Linux only. */
  readonly fileMs: number;
  /** Milliseconds for all of it. */
  readonly runMs: number;
}

/** Children of a process; none where the kernel does not say. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
        .split(' ')
        .filter((text) => text !== '')
        .map(Number),
    );
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

function killWithDescendants(pid: number): void {
  const children = childrenOf(pid);
  kill(pid);
  for (const child of children) killWithDescendants(child);
}

function testFileOf(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.find((word) => word.endsWith('.test.ts'));
  } catch {
    return undefined;
  }
}

/**
 * Watches a runner that leads a process group of its own, until it has ended.
 * @param ended is told what was ended, and why.
 */
export function limitTime(
  runner: ChildProcess,
  limits: TimeLimits,
  ended: (what: string) => void,
): void {
  const pid = runner.pid;
  if (pid === undefined) return;
  const since = new Map<number, number>();
  const start = performance.now();
  let over = false;
  const look = (): void => {
    const now = performance.now();
    for (const child of childrenOf(pid)) {
      const begun = since.get(child) ?? now;
      since.set(child, begun);
      const file = testFileOf(child);
      if (now - begun < limits.fileMs || file === undefined) continue;
      ended(`${file}: did not end within ${limits.fileMs / 1_000} s`);
      killWithDescendants(child);
    }
    if (over || now - start < limits.runMs) return;
    over = true;
    const files = childrenOf(pid).map(testFileOf);
    const running = files.filter((file) => file !== undefined).join(', ');
    ended(`the run did not end within ${limits.runMs / 1_000} s; at that time ran: ${running}`);
    runner.kill('SIGTERM');
    setTimeout(() => kill(-pid), lastWordsMs).unref();
  };
  const timer = setInterval(look, lookEveryMs);
  runner.once('exit', () => {
    clearInterval(timer);
    // Programs of tests that were ended.
    kill(-pid);
  });
}
