/** How often half-open streams are looked at, in milliseconds. */
const lookEveryMs = 1_000;

export interface ResetSearch {
  lookForReset(): void;
}

/**
 * Streams whose peer has ended and that go on sending. The runtime does not tell this driver when
 * such a peer resets, so they are looked at now and then; without such streams no timer runs.
 */
export class HalfOpenStreams {
  readonly #streams = new Set<ResetSearch>();
  #timer: NodeJS.Timeout | null = null;

  add(stream: ResetSearch): void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref();
  }

  delete(stream: ResetSearch): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    for (const stream of this.#streams) stream.lookForReset();
  }
}
