/** The clock of a loop. */
export interface LoopClock {
  now(): number;
  /** What makes its time one that all threads understand. */
  readonly origin: number;
}

/** Read once, because the runtime computes it each time. */
const origin = performance.timeOrigin;

export const threadClock: LoopClock = { now: () => performance.now(), origin };

/** Milliseconds on the clock that the threads of a process share. */
export function timeOfThreads(): number {
  return origin + performance.now();
}
