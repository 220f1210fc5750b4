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
  /** They have rested: `take` them. */
  over = false;
  #streams: RestingStream[] = [];
  readonly #wake: () => void;

  /** `wake` is called when they have rested. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  add(slot: number, generation: number): void {
    this.#streams.push({ slot, generation });
    if (this.#streams.length > 1) return;
    setTimeout(() => {
      this.over = true;
      this.#wake();
    }, restMs);
  }

  take(): readonly RestingStream[] {
    const streams = this.#streams;
    this.#streams = [];
    this.over = false;
    return streams;
  }
}
