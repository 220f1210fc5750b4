import { setTimeout as sleep } from 'node:timers/promises';

/** Long enough for the slowest machine: passing it means that it will never happen. */
const limitMs = 20_000;
const beatMs = 2;
/** What one beat counts at most: whoever had no turn has not waited in vain. */
const beatMaxMs = 20;

/** Resolves when the condition holds. @throws with `what` when it never does. */
export async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  let waitedMs = 0;
  while (!condition()) {
    if (waitedMs > limitMs) throw new Error(`waited in vain: ${what}`);
    const beganAt = performance.now();
    await sleep(beatMs);
    waitedMs += Math.min(beatMaxMs, performance.now() - beganAt);
  }
}

/** Lets what is under way take place, where nothing is expected to happen. */
export function settle(ms = 50): Promise<void> {
  return sleep(ms);
}
