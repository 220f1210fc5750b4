import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { ErrRestartFailed } from '../../base/errors.ts';
import { type FromNew, MessageLines, messageLine, type ToNew } from './protocol.ts';

/** What is kept of the end of its output. */
const outputCharactersMax = 4_096;
/** After its end the last output may still be on its way. */
const lastOutputMs = 200;

export interface SuccessorPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** From descriptor 4 on. */
  readonly descriptors: readonly number[];
  /** Its standard error is read here, and goes on to ours, until it takes over. */
  readonly readsErrors: boolean;
}

function notStarted(error: Error): ErrRestartFailed {
  return new ErrRestartFailed(`cannot restart: no process could be started: ${error.message}`, {
    cause: error,
  });
}

/** @throws ErrRestartFailed for what the runtime does not tell by an event, as too long an environment. */
function startProcess(plan: SuccessorPlan): ChildProcess {
  const { command, args, cwd, env, readsErrors, descriptors } = plan;
  const errors = readsErrors ? 'pipe' : 'inherit';
  try {
    return spawn(command, args, {
      cwd,
      env,
      stdio: ['inherit', 'inherit', errors, 'pipe', ...descriptors],
    });
  } catch (error) {
    throw notStarted(error as Error);
  }
}

/** The process that is to take over, as the one before it sees it. */
export class Successor {
  readonly #child: ChildProcess;
  readonly #channel: Socket | null;
  readonly #lines = new MessageLines();
  readonly #waiting = new Map<FromNew['type'], () => void>();
  readonly #heard = new Set<FromNew['type']>();
  readonly #elsewhere: string[] = [];
  #said = '';
  #output = '';
  #fail!: (error: ErrRestartFailed) => void;
  /** Rejects when it cannot take over any more; never resolves. */
  readonly failed: Promise<never>;
  /** Resolves when there is no process, or never was. */
  readonly ended: Promise<void>;
  #isGone = false;

  constructor(plan: SuccessorPlan) {
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
    this.#child = startProcess(plan);
    this.#channel = (this.#child.stdio[3] ?? null) as Socket | null;
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#isGone = true;
        this.#fail(notStarted(error));
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        this.#isGone = true;
        resolve();
        setTimeout(() => this.#exited(code, signal), lastOutputMs).unref();
      });
    });
    this.#listen();
  }

  #listen(): void {
    this.#child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      this.#output = (this.#output + piece).slice(-outputCharactersMax);
      process.stderr.write(piece);
    });
    this.#child.stderr?.on('error', () => {});
    this.#channel?.setEncoding('utf8');
    this.#channel?.on('data', (piece: string) => this.#received(piece));
    // Its end is told by `exit`.
    this.#channel?.on('error', () => {});
  }

  #received(piece: string): void {
    try {
      for (const message of this.#lines.push(piece)) this.#message(message as FromNew);
    } catch (error) {
      this.#fail(this.#error('what it says cannot be understood', error));
    }
  }

  #message(message: FromNew): void {
    if (message.type === 'elsewhere') this.#elsewhere.push(message.text);
    else if (message.type === 'failed') {
      this.#said = message.message;
      this.#fail(this.#error('it could not start'));
    } else {
      this.#heard.add(message.type);
      this.#waiting.get(message.type)?.();
    }
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const how = signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`;
    this.#fail(this.#error(how));
  }

  #error(state: string, cause?: unknown): ErrRestartFailed {
    const last = this.#said || this.#output.trim();
    const output = last === '' ? '' : `; its last words: ${last}`;
    return new ErrRestartFailed(
      `cannot restart: the new process ${this.pid} did not take over: ${state}${output}`,
      { cause },
    );
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  tell(message: ToNew): void {
    this.#channel?.write(messageLine(message));
  }

  /**
   * Waits for it to say so.
   * @throws ErrRestartFailed when it does not within `limitMs`, or cannot any more.
   */
  async says(type: 'listening' | 'accepting', limitMs: number): Promise<void> {
    if (this.#heard.has(type)) return;
    let timer: NodeJS.Timeout | undefined;
    const said = new Promise<void>((resolve, reject) => {
      this.#waiting.set(type, resolve);
      if (limitMs === Number.POSITIVE_INFINITY) return;
      timer = setTimeout(() => reject(this.#error(this.#late(limitMs))), limitMs);
    });
    try {
      await Promise.race([said, this.failed]);
    } finally {
      clearTimeout(timer);
    }
  }

  #late(limitMs: number): string {
    const late = `it was not ready within ${limitMs} ms`;
    if (this.#elsewhere.length === 0) return late;
    return `${late}, and listens on ${this.#elsewhere.join(', ')} instead`;
  }

  /** Ends it, at once. */
  async kill(): Promise<void> {
    this.killNow();
    await this.ended;
    this.#channel?.destroy();
  }

  killNow(): void {
    if (!this.#isGone) this.#child.kill('SIGKILL');
  }

  /** From now on it needs nothing of us. */
  release(): void {
    this.#channel?.end();
    this.#channel?.unref();
    this.#child.stderr?.destroy();
    this.#child.unref();
  }
}
