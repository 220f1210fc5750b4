import type { LoadResult } from './load.ts';

/** Each is twice as long as the one before: together 31 times the first. */
const WINDOWS_MAX = 5;

/**
 * Offers load for `seconds`, and again for longer while the machine gave the server no turn: on a
 * busy one a short window may pass without it.
 * @throws Error when nothing came back in the longest window either.
 */
export async function measureWindow(
  offer: (seconds: number) => Promise<LoadResult>,
  seconds: number,
): Promise<LoadResult> {
  for (let window = 0; window < WINDOWS_MAX; window++) {
    const result = await offer(seconds * 2 ** window);
    // Its time is counted in whole steps of the kernel's clock: answers may have cost less than one.
    if (result.requests > 0 && result.serverCpuSeconds > 0) return result;
  }
  throw new Error('nothing came back during the window');
}
