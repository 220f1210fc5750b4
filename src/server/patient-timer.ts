/** A timer that is late by that much was held up, and what it gives then; milliseconds. */
const heldUpMs = 50;
const afterHoldUpMs = 500;

/** A thread that was blocked has an answer waiting: the kernel is asked, and what it says handled, before. */
export function afterOneLook(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

/**
 * Calls when the time is up. After a hold-up, of a thread that was blocked or a process that was
 * stopped, what arrived meanwhile is handled first: there is a little more time, once.
 */
export function patientTimer(
  ms: number,
  passed: () => void,
  putOff: (timer: NodeJS.Timeout) => void,
): NodeJS.Timeout {
  const due = performance.now() + ms;
  return setTimeout(() => {
    const wasHeldUp = ms > 0 && performance.now() - due > heldUpMs;
    if (wasHeldUp) putOff(setTimeout(passed, Math.min(ms, afterHoldUpMs)));
    else passed();
  }, ms);
}
