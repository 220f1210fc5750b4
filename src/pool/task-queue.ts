import { Fifo } from '../base/fifo.ts';

/** A task that was submitted and has not settled. */
export interface Job {
  readonly order: unknown;
  /** Settled ahead of its turn: it is left out when that comes. */
  readonly isOver: boolean;
  /** Does it; never rejects. Called once. */
  run(): Promise<void>;
}

/**
 * Runs a limited number of jobs at a time, in the order of submission; jobs with the same `order`
 * run one after another.
 */
export class TaskQueue {
  readonly #runningMax: number;
  readonly #ready = new Fifo<Job>();
  /** What waits behind a job of the same order, by order. */
  readonly #behind = new Map<unknown, Fifo<Job>>();
  #running = 0;

  constructor(runningMax: number) {
    this.#runningMax = runningMax;
  }

  add(job: Job): void {
    if (job.order !== undefined) {
      const behind = this.#behind.get(job.order);
      if (behind !== undefined) {
        behind.push(job);
        return;
      }
      this.#behind.set(job.order, new Fifo());
    }
    this.#ready.push(job);
    this.#start();
  }

  #start(): void {
    while (this.#running < this.#runningMax) {
      const job = this.#ready.shift();
      if (job === undefined) return;
      if (job.isOver) {
        this.#next(job.order);
        continue;
      }
      this.#running++;
      void job.run().then(() => {
        this.#running--;
        this.#next(job.order);
        this.#start();
      });
    }
  }

  /** The one behind it may begin. */
  #next(order: unknown): void {
    if (order === undefined) return;
    const next = this.#behind.get(order)?.shift();
    if (next === undefined) this.#behind.delete(order);
    else this.#ready.push(next);
  }
}
