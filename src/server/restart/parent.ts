/** The parent that stays while processes of the program replace each other: pid 1 of a container. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrUnsupportedOp } from '../../base/errors.ts';
import type { NativeCalls } from '../../driver/backend.ts';
import { parentVariable, writeMain } from './below-parent.ts';
import { programCommand } from './program-command.ts';
import type { RestartSignal } from './settings.ts';

const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2', 'SIGQUIT', 'SIGWINCH'] as const;
/** Where files may be written; root file systems of containers are often read-only. */
const directories = [tmpdir(), '/dev/shm', '/run'];
/** Ends of children are told by SIGCHLD; one that was missed is seen that much later. */
const lookEveryMs = 1_000;

interface Ending {
  readonly code: number | null;
  readonly signal: number;
}

/** Starts the program below this process, and ends as the last process of it does. */
export class Parent {
  readonly #native: NativeCalls;
  readonly #restart: RestartSignal;
  readonly #directory = makeDirectory();
  readonly #file = join(this.#directory, 'main');
  #first = -1;
  /** How the process ended that the runtime has started, which alone it takes note of. */
  #firstEnded: Ending | null = null;

  /**
   * @param restart the signal that restarts the program.
   * @throws ErrUnsupportedOp where no file can be written.
   */
  constructor(native: NativeCalls, restart: RestartSignal) {
    this.#native = native;
    this.#restart = restart;
  }

  /** Never settles. @throws SyscallError; what `spawn` says when there is no process to be had. */
  async run(): Promise<never> {
    this.#native.adoptOrphans();
    const { command, args, cwd } = programCommand();
    const env = { ...process.env, [parentVariable]: this.#file };
    const child = spawn(command, args, { cwd, env, stdio: 'inherit' });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    this.#first = child.pid as number;
    writeMain(this.#file, this.#first);
    child.once('exit', (code, signal) => {
      this.#firstEnded = { code, signal: signal === null ? 0 : constants.signals[signal] };
      this.#look();
    });
    for (const signal of new Set([...forwarded, this.#restart])) {
      process.on(signal, () => this.#forward(signal));
    }
    process.on('SIGCHLD', () => this.#look());
    setInterval(() => this.#look(), lookEveryMs);
    return new Promise(() => {});
  }

  get #main(): number {
    return Number(readFileSync(this.#file, 'latin1'));
  }

  #forward(signal: NodeJS.Signals): void {
    try {
      process.kill(this.#main, signal);
    } catch {
      // It has just ended, which is seen soon.
    }
  }

  /** Takes note of everybody who has ended: whoever is left behind is a child of this process. */
  #look(): void {
    const main = this.#main;
    // The service by name, too: the list may miss a child while another one ends (proc(5)).
    const others = new Set([main, ...childrenOfThis()]);
    others.delete(this.#first);
    for (const pid of others) {
      const ended = this.#native.reapChild(pid);
      if (ended !== null && pid === main) this.#end(ended);
    }
    // Nobody is left to wait for. A service that is there may be the child of its predecessor still,
    // which finishes its connections.
    if (this.#firstEnded !== null && !existsSync(`/proc/${main}`)) this.#end(this.#firstEnded);
  }

  #end({ code, signal }: Ending): never {
    rmSync(this.#directory, { recursive: true, force: true });
    // What a shell makes of a signal: pid 1 cannot end by one.
    process.exit(code ?? 128 + signal);
  }
}

function makeDirectory(): string {
  let cause: unknown;
  for (const directory of directories) {
    try {
      return mkdtempSync(join(directory, 'gnet-parent-'));
    } catch (error) {
      cause ??= error;
    }
  }
  throw new ErrUnsupportedOp(
    'cannot stay as the parent of the program (graceful.parent): it keeps a small file, and none of ' +
      `${directories.join(', ')} can be written; set TMPDIR to a directory that can`,
    { cause },
  );
}

function childrenOfThis(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      const text = readFileSync(`/proc/self/task/${thread}/children`, 'latin1');
      return text.split(' ').filter(Boolean).map(Number);
    } catch {
      return []; // the thread has ended
    }
  });
}
