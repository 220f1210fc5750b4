/**
 * Looks for events again and again before a wait sleeps: `busyPoll`. Waking a thread costs more than
 * some looks, so whoever has a core to spare gets answers sooner.
 * @param busyMs how long at most; `timeoutMs` (-1: none) limits it, too.
 * @param look returns 0 when there is nothing.
 */
export function lookBeforeSleeping(busyMs: number, timeoutMs: number, look: () => number): number {
  const spinMs = timeoutMs < 0 ? busyMs : Math.min(timeoutMs, busyMs);
  const until = performance.now() + spinMs;
  for (;;) {
    const found = look();
    if (found !== 0 || performance.now() >= until) return found;
  }
}

/** What is left of a wait's timeout after so long: whole milliseconds, -1 for no limit. */
export function timeLeft(timeoutMs: number, passedMs: number): number {
  return timeoutMs < 0 ? timeoutMs : Math.max(0, Math.ceil(timeoutMs - passedMs));
}
