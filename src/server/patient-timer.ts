/** A timer that is late by that much was held up, and what it gives then; milliseconds. */
const heldUpMs = 50;
const afterHoldUpMs = 500;

/** The part of a loop that is asked to look. */
export interface LookingLoop {
  scheduleTasks(of: { runTasks(): void }): void;
}
/** A driver may report in the second wait what was there before the first. */
const looks = 2;

/**
 * Calls after the loop has asked the kernel, and handled what it said: an answer that came while the thread
 * was blocked waits there.
 */
export function afterLooks(loop: LookingLoop, then: () => void): void {
  let left = looks;
  const task = {
    runTasks(): void {
      // Behind what the thread does next: a loop may run its tasks twice between two waits.
      if (left-- > 0) setImmediate(again);
      else then();
    },
  };
  const again = (): void => loop.scheduleTasks(task);
  again();
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
