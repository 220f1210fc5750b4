import { setTimeout as sleep } from 'node:timers/promises';

/** Long enough for the slowest machine: passing it means that it will never happen. */
const limitMs = 20_000;

/** Resolves when the condition holds. @throws with `what` when it never does. */
export async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(2);
  }
}

/** Lets what is under way take place, where nothing is expected to happen. */
export function settle(ms = 50): Promise<void> {
  return sleep(ms);
}
