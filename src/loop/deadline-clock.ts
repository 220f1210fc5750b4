/** No driver reports fewer events than this in a wait when it has more. */
const fullWaitEvents = 64;

/**
 * Up to when a loop has heard everything: what had arrived by then has been handled. Time limits fire
 * by this clock, not by that of the machine. After a handler that blocked, a long collection or a
 * stopped process, what peers sent meanwhile waits in the kernel, and nobody is idle for that.
 *
 * A wait asks the kernel once. It may find more than it reports: then others must follow, as many as
 * the streams of the loop could fill.
 */
export class DeadlineClock {
  /** On the clock of the loop. */
  time = 0;
  readonly #reportsLater: boolean;
  /** When the wait began; of several in a row that were full, the first. */
  #asked = 0;
  #askedBefore = 0;
  #fullWaits = 0;

  /** @param reportsLater as `Driver.reportsLater`. */
  constructor(reportsLater: boolean) {
    this.#reportsLater = reportsLater;
  }

  /** A wait begins: what arrives later may not be in its answer, whatever holds the thread up. */
  asking(now: number): void {
    if (this.#fullWaits === 0) this.#asked = now;
  }

  /** The wait is over. `streams`: how many there are, each of which may have something. */
  waited(events: number, streams: number): void {
    if (events >= fullWaitEvents && ++this.#fullWaits * fullWaitEvents <= streams) return;
    this.#fullWaits = 0;
    this.time = this.#reportsLater ? this.#askedBefore : this.#asked;
    this.#askedBefore = this.#asked;
  }
}
