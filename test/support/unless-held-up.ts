/** Tests of limits in which this process plays a peer that must not be late itself. */

/** A machine that holds this process up so often cannot tell. */
const attemptsMax = 20;
const beatMs = 5;

/**
 * Runs it until it passes. A failure counts only if this thread was not held up for longer than `limitMs`
 * meanwhile: a peer in it would have been late as well.
 */
export async function unlessHeldUp(limitMs: number, run: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    let longestMs = 0;
    let lastAt = performance.now();
    const beat = setInterval(() => {
      const now = performance.now();
      longestMs = Math.max(longestMs, now - lastAt);
      lastAt = now;
    }, beatMs);
    try {
      await run();
      return;
    } catch (error) {
      longestMs = Math.max(longestMs, performance.now() - lastAt);
      if (longestMs <= limitMs || attempt === attemptsMax) throw error;
    } finally {
      clearInterval(beat);
    }
  }
}
