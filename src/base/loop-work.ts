/**
 * Work of a loop that belongs to no connection: the stop of its server waits for it, as for an answer. What
 * `LoopView` does not show, the packages beside the core find by this name.
 */
export const workBegins: unique symbol = Symbol.for('gnet.workBegins');

export interface LoopWithWork {
  /** @returns what to call once, when it is done. */
  [workBegins](): () => void;
}

/** The time of a loop, for packages that have timers of their own kind. */
export const loopClock: unique symbol = Symbol.for('gnet.loopClock');

export interface LoopClock {
  /** Milliseconds, a whole number. */
  currentTime(): number;
  /** What `schedule` calls is late by less than that, in milliseconds. */
  readonly wheel: { readonly lateMs: number };
}

export interface LoopWithClock {
  readonly [loopClock]: LoopClock;
}
