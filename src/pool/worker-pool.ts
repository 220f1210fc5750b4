import { availableParallelism } from 'node:os';
import {
  ErrInvalidOption,
  ErrPoolClosed,
  ErrPoolOverload,
  ErrUnsupportedOp,
} from '../base/errors.ts';
import { requireInstalled } from '../base/own-file.ts';
import { errorOf, textOf } from '../base/thrown.ts';
import { ownCopy, type OwnTask } from './own-copy.ts';
import { TaskQueue } from './task-queue.ts';

type Piscina = InstanceType<typeof import('piscina').Piscina>;

export interface PoolOptions {
  /**
   * The most threads; by default one for each CPU that this process may use. Idle threads end after
   * 10 s.
   */
  readonly threads?: number;
  /** The most tasks that wait for a thread; 262,144 by default. `submit` rejects further ones. */
  readonly maxQueue?: number;
}

export interface SubmitOptions {
  /**
   * The pool runs tasks with the same value one after another, in the order of submission: use
   * `c.id` to keep the order of one connection. Without it, any free thread takes the next task.
   */
  readonly order?: unknown;
  /** The export of the module to call; by default its default export. */
  readonly name?: string;
  /**
   * Removes the task from the queue when it aborts, or ends the thread that runs it; `submit`
   * rejects at once with the reason of the signal.
   */
  readonly signal?: AbortSignal;
}

const idleTimeoutMs = 10_000;
const maxQueueDefault = 262_144;

/**
 * Threads for blocking and CPU-bound work, based on piscina, which the first task loads.
 *
 *     const pool = new WorkerPool(new URL('./work.js', import.meta.url));
 *     react: (frame, c) => pool.submit(frame, { order: c.id })
 */
export class WorkerPool {
  readonly #url: string;
  readonly #threads: number;
  readonly #maxQueue: number;
  readonly #queue: TaskQueue;
  #piscina: Piscina | null = null;
  #pending = 0;
  #closed = false;
  #whenIdle: (() => void)[] = [];

  /**
   * @param module the URL of a module whose default export is the function that runs a task.
   * @throws ErrInvalidOption if an option is not a whole number in its range.
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
    this.#queue = new TaskQueue(this.#threads);
  }

  /** Tasks that were submitted and have not settled. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Runs a task in a thread of the pool; resolves with its result, or rejects with what it threw.
   * The pool copies the bytes in the task at once, also in its arrays, plain objects, maps and sets, so
   * you may pass a lent frame. Objects of classes are cloned only when a thread takes the task: pass none
   * that hold one.
   *
   * Rejects with `ErrPoolOverload` if too many tasks wait, and with `ErrPoolClosed` after `close`.
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
    options.signal?.throwIfAborted();
    const own = ownCopy(task);
    this.#pending++;
    try {
      return (await this.#enqueue(options, own)) as Result;
    } finally {
      this.#pending--;
      if (this.#pending === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
    }
  }

  /** Settles as the task does, or at once when the signal aborts, whatever the task waits for. */
  #enqueue(options: SubmitOptions, own: OwnTask): Promise<unknown> {
    const { order, signal } = options;
    return new Promise((resolve, reject) => {
      /** Null: it is over, or a thread has it. */
      let waits: OwnTask | null = own;
      let isOver = false;
      const abort = (): void => {
        isOver = true;
        reject(signal?.reason);
        if (waits === null) return;
        // The memory goes now, the place in the queue some time.
        waits = null;
        this.#queue.settledAhead();
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#queue.add({
        order,
        get isOver() {
          return isOver;
        },
        run: () => {
          const begun = waits as OwnTask;
          waits = null;
          return this.#run(begun, options)
            .then(resolve, reject)
            .finally(() => signal?.removeEventListener('abort', abort));
        },
      });
    });
  }

  async #run({ task, moved }: OwnTask, options: SubmitOptions): Promise<unknown> {
    const { name, signal } = options;
    this.#piscina ??= this.#load();
    return this.#piscina.run(task, {
      // Not known to the pool before: a module that cannot be loaded fails its task, not the pool.
      filename: this.#url,
      // Its declaration means the second argument of another overload of postMessage.
      transferList: moved as never,
      ...(name === undefined ? {} : { name }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #load(): Piscina {
    let loaded: typeof import('piscina');
    try {
      loaded = requireInstalled('piscina') as typeof import('piscina');
    } catch (cause) {
      throw new ErrUnsupportedOp(
        'cannot start the threads of the pool: piscina is not installed beside the program; install ' +
          'it (npm install piscina): gnet/pool does not bring it',
        { cause },
      );
    }
    const piscina = new loaded.Piscina({
      minThreads: 0,
      maxThreads: this.#threads,
      idleTimeout: idleTimeoutMs,
      // Bounded by `submit`; no more are given to it than it has threads.
      maxQueue: Number.POSITIVE_INFINITY,
    });
    piscina.on('error', (error: unknown) => this.#threadDied(piscina, error));
    return piscina;
  }

  /** A thread died that had no task: of a task's own timer, or before it could take one. */
  #threadDied(piscina: Piscina, thrown: unknown): void {
    const cause = errorOf(thrown);
    process.emitWarning(`a thread of a worker pool died between tasks: ${cause.stack ?? cause}`);
    if (piscina.queueSize === 0 || piscina.threads.length > 0) return;
    // What waits for a thread would wait for ever: it fails, and the next task begins anew.
    if (this.#piscina === piscina) this.#piscina = null;
    void piscina.destroy();
  }

  /** Accepts no more tasks, finishes the submitted ones, and ends the threads. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#piscina?.destroy();
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
