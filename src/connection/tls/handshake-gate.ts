/** Steps of handshakes in one turn of the runtime: a full one takes 0.1 to 1 ms of this thread. */
const stepsPerTurn = 8;

/** Who waits for its next step. */
export interface Waiting {
  goOn(): void;
}

/**
 * Allows a limited number of handshake steps in each turn. The rest wait, in order, so that a burst
 * of clients does not hold up the connections that are open.
 */
export class HandshakeGate {
  #steps = 0;
  #waiting: Waiting[] = [];
  #scheduled = false;

  /** Whether one more step may be done now; if not, call `wait`. */
  get isOpen(): boolean {
    if (this.#steps >= stepsPerTurn) return false;
    // The turn of the loops ends before this runs, which costs no turn of the runtime by itself.
    if (this.#steps++ === 0 && !this.#scheduled) queueMicrotask(this.#turnEnds);
    return true;
  }

  readonly #turnEnds = (): void => {
    if (!this.#scheduled) this.#steps = 0;
  };

  wait(one: Waiting): void {
    this.#waiting.push(one);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.#scheduled = false;
    this.#steps = 0;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.splice(0, stepsPerTurn);
    this.#steps = due.length;
    this.#schedule();
    for (const one of due) one.goOn();
  };
}
