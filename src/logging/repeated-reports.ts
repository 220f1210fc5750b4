import { errorOf } from '../base/thrown.ts';
import type { Logger } from './logger.ts';

/** A kind of report is written at most once in that time. */
const windowMs = 1_000;
/** Kinds that are told apart by their errors, too; beyond that by the message alone. */
const kindsMax = 64;

type Level = 'warn' | 'error';

/** A kind that was written a short while ago, and what came since. */
interface Repeated {
  readonly level: Level;
  readonly message: string;
  latest: Error | null;
  count: number;
}

/**
 * Errors of connections, and of accepting them, on their way to the log. A client that sends nonsense on
 * thousands of connections must not fill the disk, nor keep the thread busy with writing stacks: the first
 * report of a kind is written at once, then at most one line a second, with the number of those left out.
 */
export class RepeatedReports {
  readonly #logger: Logger;
  readonly #recent = new Map<string, Repeated>();
  #timer: NodeJS.Timeout | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  report(message: string, thrown: unknown, level: Level = 'error'): void {
    const error = errorOf(thrown);
    const kind = this.#recent.size < kindsMax ? `${message} ${nameOf(error)}` : message;
    const repeated = this.#recent.get(kind);
    if (repeated !== undefined) {
      repeated.latest = error;
      repeated.count++;
      return;
    }
    this.#logger[level](message, { err: error });
    this.#recent.set(kind, { level, message, latest: null, count: 0 });
    this.#timer ??= setTimeout(() => this.#nextWindow(), windowMs).unref();
  }

  /** Writes what has been left out so far. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const repeated of this.#recent.values()) this.#writeLatest(repeated);
    this.#recent.clear();
  }

  #nextWindow(): void {
    this.#timer = null;
    for (const [kind, repeated] of this.#recent) {
      if (repeated.latest === null) this.#recent.delete(kind);
      else this.#writeLatest(repeated);
    }
    if (this.#recent.size === 0) return;
    this.#timer = setTimeout(() => this.#nextWindow(), windowMs).unref();
  }

  #writeLatest(repeated: Repeated): void {
    const { level, message, latest, count } = repeated;
    if (latest === null) return;
    repeated.latest = null;
    repeated.count = 0;
    const leftOut = count - 1;
    this.#logger[level](message, leftOut === 0 ? { err: latest } : { err: latest, leftOut });
  }
}

function nameOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
