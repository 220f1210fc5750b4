import type { DriverCounters } from '../contract.ts';

/** What there was no memory for rests this long, then twice as long while nothing moves, up to a limit. */
const restMsFirst = 10;
const restMsMax = 1_000;
/** Tried again after one rest: of ten thousand streams each has its turn, and the CPU its peace. */
const triesMax = 100;

/**
 * What a lack of memory put off. The kernel says of a stream that it can be read or written, and then
 * has no memory to do so: who asks again at once only burns the CPU until others give some back. What
 * arrives meanwhile stays in the kernel, and what is to leave stays in its queue.
 */
export class MemoryRest {
  readonly #counters: Readonly<DriverCounters>;
  readonly #wake: () => void;
  readonly #putOff: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerFired = false;
  #restMs = restMsFirst;
  #dueAt = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  #movedBefore = -1;

  /** `wake` is called when a rest is over: the next wait calls `run`. */
  constructor(counters: Readonly<DriverCounters>, wake: () => void) {
    this.#counters = counters;
    this.#wake = wake;
  }

  /** The rest is over: `run` what was put off. The clock counts where no timer can fire, as in a probe. */
  get over(): boolean {
    return this.#timer !== null && (this.#timerFired || performance.now() >= this.#dueAt);
  }

  /** `again` must look whether what it is about is still there. */
  later(again: () => void): void {
    this.#putOff.push(again);
    if (this.#timer === null) this.#begin();
  }

  #begin(): void {
    const now = performance.now();
    const lasts = this.#moved === this.#movedBefore && now - this.#endedAt < this.#restMs;
    this.#restMs = lasts ? Math.min(this.#restMs * 2, restMsMax) : restMsFirst;
    this.#dueAt = now + this.#restMs;
    this.#timerFired = false;
    this.#timer = setTimeout(() => {
      this.#timerFired = true;
      this.#wake();
    }, this.#restMs);
  }

  /** Bytes, either way: as long as some move, the lack is not everybody's. */
  get #moved(): number {
    return this.#counters.bytesReceived + this.#counters.bytesSent;
  }

  run(): void {
    this.#stopTimer();
    this.#endedAt = performance.now();
    const due = this.#putOff.splice(0, triesMax);
    if (this.#putOff.length > 0) this.#begin();
    this.#movedBefore = this.#moved;
    for (const again of due) again();
  }

  /** Nothing is tried again. */
  close(): void {
    this.#stopTimer();
    this.#putOff.length = 0;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
