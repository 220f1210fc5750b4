import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { programRunner } from '../support/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** An example that asked for longer than this to end is killed; the test then fails on its code. */
const STOP_LIMIT_MS = 10_000;

export interface RunningExample {
  /** The line it printed when it listened. */
  readonly line: string;
  readonly port: number;
  /** Everything it printed so far. */
  output(): string;
  /** Asks it to end in order; resolves with its exit code, null when it had to be killed. */
  stop(): Promise<number | null>;
}

function start(path: string, args: readonly string[]): { child: ChildProcess; text: () => string } {
  const { command, flags } = programRunner;
  const child = spawn(command, [...flags, path, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
  }
  return { child, text: () => text };
}

/** Starts a server example on a free port and waits until it listens. */
export async function spawnExample(
  path: string,
  args: readonly string[] = [],
): Promise<RunningExample> {
  const { child, text } = start(path, ['--port', '0', ...args]);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const pattern = /^\S+ is listening on \w+:\/\/\S*:(\d+) \(multi-cores: \w+, loops: \d+\)$/m;
  let match = pattern.exec(text());
  while (match === null) {
    const more = once(child.stdout as NodeJS.ReadableStream, 'data').then(() => true);
    const goesOn = await Promise.race([more, ended.then(() => false)]);
    match = pattern.exec(text());
    if (!goesOn && match === null) throw new Error(`${path} ended at once: ${text()}`);
  }
  return {
    line: match[0],
    port: Number(match[1]),
    output: text,
    stop: async () => {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      const [code] = await ended;
      clearTimeout(killer);
      return code;
    },
  };
}

/** Runs an example that ends by itself. */
export async function runExample(
  path: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const { child, text } = start(path, args);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: text() };
}
