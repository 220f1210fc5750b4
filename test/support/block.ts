/** Nothing else has a turn on this thread meanwhile. */
export function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
