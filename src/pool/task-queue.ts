import { Fifo } from '../base/fifo.ts';

/** A task that was submitted and has not settled. */
export interface Job {
  readonly order: unknown;
  /** Settled ahead of its turn (see `settledAhead`): it is left out when that comes. */
  readonly isOver: boolean;
  /** Does it; never rejects. Called once. */
  run(): Promise<void>;
}

/** So few may wait for their turn although they are over. */
const overMax = 64;

/**
 * Runs a limited number of jobs at a time, in the order of submission; jobs with the same `order`
 * run one after another.
 */
export class TaskQueue {
  readonly #runningMax: number;
  #ready = new Fifo<Job>();
  /** What waits behind a job of the same order, by order. */
  readonly #behind = new Map<unknown, Fifo<Job>>();
  #running = 0;
  /** Jobs that wait, and those of them that are over. */
  #waiting = 0;
  #over = 0;

  constructor(runningMax: number) {
    this.#runningMax = runningMax;
  }

  /** Jobs that it holds and has not begun, for the tests. */
  get waiting(): number {
    return this.#waiting;
  }

  add(job: Job): void {
    this.#waiting++;
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

  /** One that waits is over. What is over must not fill the queue when nothing else moves. */
  settledAhead(): void {
    this.#over++;
    if (this.#over <= overMax || this.#over * 2 < this.#waiting) return;
    for (const [order, behind] of this.#behind) this.#behind.set(order, alive(behind));
    // One that is ready holds the place of its order: what waits behind it comes next.
    const ready = this.#ready;
    this.#ready = new Fifo();
    for (let job = ready.shift(); job !== undefined; job = ready.shift()) {
      if (job.isOver) this.#next(job.order);
      else this.#ready.push(job);
    }
    this.#over = 0;
    this.#waiting = this.#ready.length;
    for (const behind of this.#behind.values()) this.#waiting += behind.length;
  }

  #start(): void {
    while (this.#running < this.#runningMax) {
      const job = this.#ready.shift();
      if (job === undefined) return;
      this.#waiting--;
      if (job.isOver) {
        this.#over--;
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

function alive(jobs: Fifo<Job>): Fifo<Job> {
  const kept = new Fifo<Job>();
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    if (!job.isOver) kept.push(job);
  }
  return kept;
}
