import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { flagsOf, installedRuntime, runtimeNames } from '../../scripts/other-runtime.ts';
import type { TestScope } from './rig.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const nodeFlags: readonly string[] = [
  '--conditions=gnet-source',
  '--disable-warning=ExperimentalWarning',
];

/** What runs a program of the tests, and arguments in front of its file. */
interface ProgramRunner {
  readonly command: string;
  readonly flags: readonly string[];
}

function findRunner(name: string): ProgramRunner {
  if (name === '') return { command: process.execPath, flags: nodeFlags };
  const runtime = runtimeNames.find((known) => known === name);
  const command = runtime && installedRuntime(runtime);
  if (runtime !== undefined && command !== undefined) return { command, flags: flagsOf(runtime) };
  throw new Error(`GNET_TEST_RUNTIME=${name}: it is not installed`);
}

/** Another runtime that is to run the programs of tests and the examples; empty for this one. */
export const programRuntime: string = process.env['GNET_TEST_RUNTIME'] ?? '';
export const programRunner: ProgramRunner = findRunner(programRuntime);

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** A process of this project's Node; it does not outlive the test. */
export class Program {
  readonly child: ChildProcess;
  readonly #ended: Promise<Ending>;
  #output = '';
  #over = false;
  #onOutput: (() => void)[] = [];

  constructor(t: TestScope, command: string, args: readonly string[], options: SpawnOptions) {
    this.child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (piece: string) => {
        this.#output += piece;
        this.#changed();
      });
    }
    const close = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.#ended = close.then(([code, signal]) => {
      this.#over = true;
      this.#changed();
      return { code, signal, output: this.#output };
    });
    t.after(() => {
      if (!this.#over) this.child.kill('SIGKILL');
      return this.#ended;
    });
  }

  #changed(): void {
    const waiting = this.#onOutput;
    this.#onOutput = [];
    for (const look of waiting) look();
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Waits for a line that matches and returns its groups. @throws when the program ends before. */
  async line(pattern: RegExp): Promise<readonly string[]> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match.slice(1);
      if (this.#over) throw new Error(`the program ended without ${pattern}: ${this.#output}`);
      await new Promise<void>((resolve) => this.#onOutput.push(resolve));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  ending(): Promise<Ending> {
    return this.#ended;
  }
}

/** Runs a file of `test/server/programs` or `examples`, by its path from the root. */
export function runProgram(
  t: TestScope,
  path: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Program {
  const { command, flags } = programRunner;
  return new Program(t, command, [...flags, path, ...args], options);
}
