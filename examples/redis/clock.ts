/** The time, read at most once per frame, and only when something asks: reading it is not free. */
export class Clock {
  #now = 0;

  /** The next question reads the time anew. */
  restart(): void {
    this.#now = 0;
  }

  /** Milliseconds since 1970. */
  get now(): number {
    if (this.#now === 0) this.#now = Date.now();
    return this.#now;
  }
}
