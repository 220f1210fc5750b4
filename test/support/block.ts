/** Nothing else has a turn on this thread meanwhile. */
export function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Runs `before` and blocks the thread behind the turn of the loops: what comes next are timers. */
export function blockTimers(before: () => void, ms: number): void {
  setImmediate(() => {
    before();
    block(ms);
  });
}
