import { availableParallelism } from 'node:os';
import { ErrInvalidOption, ErrPoolClosed, ErrPoolOverload } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import { ownCopy } from './own-copy.ts';

type Piscina = InstanceType<typeof import('piscina').Piscina>;

export interface PoolOptions {
  /** Threads at most; by default as many as this process may use CPUs. Idle ones end after 10 s. */
  readonly threads?: number;
  /** Tasks that may wait for a thread, 262,144 by default; `submit` rejects when there are more. */
  readonly maxQueue?: number;
}

export interface SubmitOptions {
  /**
   * Tasks with the same value are done one after another, in the order in which they were submitted:
   * give `c.id` for the order of one connection. Without it any free thread takes the next task.
   */
  readonly order?: unknown;
  /** The export of the module to call; by default its default export. */
  readonly name?: string;
  /** Aborting it takes the task out of the queue, or ends the thread that does it. */
  readonly signal?: AbortSignal;
}

const idleTimeoutMs = 10_000;
const maxQueueDefault = 262_144;

/**
 * Threads that do blocking and CPU-bound work, over piscina, which is loaded with the first task.
 *
 *     const pool = new WorkerPool(new URL('./work.js', import.meta.url));
 *     react: (frame, c) => pool.submit(frame, { order: c.id })
 */
export class WorkerPool {
  readonly #url: string;
  readonly #threads: number;
  readonly #maxQueue: number;
  #piscina: Promise<Piscina> | null = null;
  /** The last task of each order that has not settled. */
  readonly #last = new Map<unknown, Promise<unknown>>();
  #pending = 0;
  #closed = false;
  #whenIdle: (() => void)[] = [];

  /**
   * @param module the URL of a module whose default export is the function that does a task.
   * @throws ErrInvalidOption when an option is not a whole number in its range.
   */
  constructor(module: URL, options: PoolOptions = {}) {
    if (!(module instanceof URL)) {
      throw new ErrInvalidOption(
        "cannot make a pool without a module: give new URL('./work.js', import.meta.url)",
      );
    }
    this.#url = module.href;
    this.#threads = count('threads', options.threads ?? availableParallelism(), 1);
    this.#maxQueue = count('maxQueue', options.maxQueue ?? maxQueueDefault, 0);
  }

  /** Tasks that were submitted and have not settled. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Does a task in a thread of the pool; resolves with its result, rejects with what it threw. The
   * task is copied: a lent frame may be given as it is.
   *
   * Rejects with `ErrPoolOverload` when too many wait, and with `ErrPoolClosed` after `close`.
   */
  async submit<Result = unknown>(task: unknown, options: SubmitOptions = {}): Promise<Result> {
    if (this.#closed) {
      throw new ErrPoolClosed('cannot submit: the pool is closed; submit before close()');
    }
    if (this.#pending >= this.#threads + this.#maxQueue) {
      throw new ErrPoolOverload(
        `cannot submit: ${this.#pending} tasks are under way and ${this.#maxQueue} may wait for ` +
          `${this.#threads} threads; answer "busy", pause reading, or raise maxQueue`,
      );
    }
    this.#pending++;
    const { task: copy, moved } = ownCopy(task);
    const result = this.#inOrder(options.order, () => this.#run(copy, moved, options));
    try {
      return (await result) as Result;
    } finally {
      this.#pending--;
      if (this.#pending === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
    }
  }

  #inOrder(order: unknown, run: () => Promise<unknown>): Promise<unknown> {
    if (order === undefined) return run();
    const before = this.#last.get(order);
    const result = before === undefined ? run() : before.then(run, run);
    this.#last.set(order, result);
    const forget = (): void => {
      if (this.#last.get(order) === result) this.#last.delete(order);
    };
    result.then(forget, forget);
    return result;
  }

  async #run(task: unknown, moved: ArrayBuffer[], options: SubmitOptions): Promise<unknown> {
    this.#piscina ??= this.#load();
    const piscina = await this.#piscina;
    const { name, signal } = options;
    return piscina.run(task, {
      // Its declaration means the second argument of another overload of postMessage.
      transferList: moved as never,
      ...(name === undefined ? {} : { name }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async #load(): Promise<Piscina> {
    const { Piscina: Pool } = await import('piscina');
    return new Pool({
      filename: this.#url,
      minThreads: 0,
      maxThreads: this.#threads,
      idleTimeout: idleTimeoutMs,
      // Bounded by `submit`, together with the tasks that wait for their order.
      maxQueue: Number.POSITIVE_INFINITY,
    });
  }

  /** Takes no more, finishes what was submitted, and ends the threads. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    const piscina = await this.#piscina;
    await piscina?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function count(name: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new ErrInvalidOption(
    `cannot use ${textOf(value)} as option ${name}: give a whole number from ${min} on`,
  );
}
