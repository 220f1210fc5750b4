/**
 * Work of a loop that belongs to no connection: the stop of its server waits for it, as for an answer. What
 * `LoopView` does not show, the packages beside the core find by this name.
 */
export const workBegins: unique symbol = Symbol.for('gnet.workBegins');

export interface LoopWithWork {
  /** @returns what to call once, when it is done. */
  [workBegins](): () => void;
}
