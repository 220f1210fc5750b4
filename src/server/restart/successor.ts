import type { Socket } from 'node:net';
import { ErrRestartFailed } from '../../base/errors.ts';
import type { NativeCalls } from '../../driver/backend.ts';
import { type FromNew, MessageLines, messageLine, type ToNew } from './protocol.ts';
import { type ProcessPlan, type StartedProcess, startProcess } from './start-process.ts';

/** What is kept of the end of its output. */
const outputCharactersMax = 4_096;
/** After its end the last output may still be on its way. */
const lastOutputMs = 200;

function notStarted(error: Error): ErrRestartFailed {
  return new ErrRestartFailed(`cannot restart: no process could be started: ${error.message}`, {
    cause: error,
  });
}

/** The process that is to take over, as the one before it sees it. */
export class Successor {
  readonly #process: StartedProcess;
  readonly #channel: Socket | null;
  /** It need not let others go first any more. */
  readonly #goOn: () => void;
  readonly #lines = new MessageLines();
  readonly #waiting = new Map<FromNew['type'], () => void>();
  readonly #heard = new Set<FromNew['type']>();
  readonly #elsewhere: string[] = [];
  /** What it does not listen on, and this process does. */
  #left: readonly string[] = [];
  #said = '';
  #output = '';
  #fail!: (error: ErrRestartFailed) => void;
  /** Rejects when it cannot take over any more; never resolves. */
  readonly failed: Promise<never>;
  /** Resolves when there is no process, or never was. */
  readonly ended: Promise<void>;
  #isGone = false;

  readonly #over: () => void;

  /** @throws ErrRestartFailed when it cannot even be started. */
  constructor(plan: ProcessPlan, native: NativeCalls | undefined) {
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
    let over!: () => void;
    this.ended = new Promise((resolve) => {
      over = resolve;
    });
    this.#over = over;
    const events = {
      failed: (error: Error) => this.#ended(() => this.#fail(notStarted(error))),
      ended: (code: number | null, signal: NodeJS.Signals | null) =>
        this.#ended(() => setTimeout(() => this.#exited(code, signal), lastOutputMs).unref()),
    };
    // This thread waits for the exec, and must not wait for what comes after it as well.
    const goAsBefore = native?.goFirst();
    try {
      this.#process = startProcess(plan, native, events);
      // While it starts, whoever serves goes first.
      this.#goOn = native?.letOthersFirst(this.pid) ?? (() => {});
    } catch (error) {
      throw notStarted(error as Error);
    } finally {
      goAsBefore?.();
    }
    this.#channel = this.#process.channel;
    // Its end is told by `ended`.
    this.#channel?.on('error', () => {});
    this.#process.errors?.on('error', () => {});
  }

  #ended(tell: () => void): void {
    this.#isGone = true;
    tell();
    this.#over();
  }

  /** It serves from now on. */
  hasStarted(): void {
    this.#goOn();
  }

  /** Hears what it says, also what it has said so far. */
  listen(): void {
    const { errors } = this.#process;
    errors?.setEncoding('utf8').on('data', (piece: string) => {
      this.#output = (this.#output + piece).slice(-outputCharactersMax);
      process.stderr.write(piece);
    });
    this.#channel?.setEncoding('utf8');
    this.#channel?.on('data', (piece: string) => this.#received(piece));
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
    else if (message.type === 'left') this.#left = message.texts;
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
    return this.#process.pid;
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
    const elsewhere =
      this.#elsewhere.length === 0 ? '' : `, and listens on ${this.#elsewhere.join(', ')} instead`;
    if (this.#left.length === 0) return late + elsewhere;
    return (
      `${late}${elsewhere}: it has not called serve for ${this.#left.join(', ')}; unlisten what it is ` +
      'not to have before the restart'
    );
  }

  /** Ends it, at once. */
  async kill(): Promise<void> {
    this.killNow();
    await this.ended;
    this.#channel?.destroy();
    this.#process.errors?.destroy();
  }

  killNow(): void {
    if (!this.#isGone) this.#process.kill();
  }

  /** From now on it needs nothing of us. */
  release(): void {
    this.#channel?.end();
    this.#channel?.unref();
    this.#process.errors?.destroy();
    this.#process.release();
  }
}
