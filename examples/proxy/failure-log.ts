/** Between two lines about dials that fail; those in between are counted. */
const QUIET_MS = 10_000;

/** An upstream that is down fails every client: the log says so once, and then how often. */
export class FailureLog {
  readonly #print: (line: string) => void;
  #printedAt = Number.NEGATIVE_INFINITY;
  #uncounted = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  failed(error: Error): void {
    const now = performance.now();
    if (now - this.#printedAt < QUIET_MS) {
      this.#uncounted++;
      return;
    }
    this.#tellCount();
    this.#printedAt = now;
    this.#print(`No way through: ${error.message}`);
  }

  /** Tells what was counted and not yet told. */
  end(): void {
    this.#tellCount();
  }

  #tellCount(): void {
    if (this.#uncounted > 0) this.#print(`No way through: ${this.#uncounted} more times`);
    this.#uncounted = 0;
  }
}
