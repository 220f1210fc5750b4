/**
 * What events of a program return. Whoever calls one without an answer to wait for gives it to `watch`: a
 * rejection that nobody handles would end the process.
 */

/** @throws what looking at it throws. */
export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Whether an event that has no answer is still at work; what cannot be looked at is no promise. */
export function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  try {
    return isThenable(answer);
  } catch {
    return false;
  }
}

/** Calls one of the two later, once. Never throws, whatever the promise is. */
export function whenSettled<Answer>(
  promise: PromiseLike<Answer>,
  settled: (answer: Answer) => void,
  failed: (thrown: unknown) => void,
): void {
  let following: Promise<Answer>;
  try {
    following = Promise.resolve(promise);
  } catch (thrown) {
    following = Promise.reject(thrown);
  }
  // Not its own method, which a program may have replaced.
  Promise.prototype.then.call(following, settled as (value: unknown) => void, failed);
}

function ignore(): void {}

/**
 * An event returned this. If it is a promise that rejects, that counts as a throw of the event: `failed`
 * hears of it, once and later, and must not throw. Anything else is ignored. Where events are frequent,
 * ask `isPromise` first: `failed` is made only then.
 */
export function watch(answer: unknown, failed: (thrown: unknown) => void): void {
  if (answer !== undefined && isPromise(answer)) whenSettled(answer, ignore, failed);
}
