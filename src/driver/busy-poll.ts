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
