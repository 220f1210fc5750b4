/** Milliseconds until streams that there was no memory to read into are read again. */
const restMs = 10;

export interface RestingStream {
  readonly slot: number;
  readonly generation: number;
}

/**
 * Streams that there was no memory to read into. What arrives for them stays in the kernel, and
 * costs nothing there.
 */
export class RestingReads {
  #streams: RestingStream[] = [];
  #timerFired = false;
  #dueAt = 0;
  readonly #wake: () => void;

  /** `wake` is called when they have rested. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** They have rested: `take` them. The clock counts where no timer can fire, as in a probe. */
  get over(): boolean {
    if (this.#streams.length === 0) return false;
    return this.#timerFired || performance.now() >= this.#dueAt;
  }

  add(slot: number, generation: number): void {
    this.#streams.push({ slot, generation });
    if (this.#streams.length > 1) return;
    this.#dueAt = performance.now() + restMs;
    this.#timerFired = false;
    setTimeout(() => {
      this.#timerFired = true;
      this.#wake();
    }, restMs);
  }

  take(): readonly RestingStream[] {
    const streams = this.#streams;
    this.#streams = [];
    this.#timerFired = false;
    return streams;
  }
}
