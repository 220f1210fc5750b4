import { seedOfRun } from '../driver/simulated/index.ts';
import { ErrInvalidOption } from '../index.ts';

/**
 * Calls `run` with so many seeds, one after the other, beginning with a fresh one: each time the test
 * runs it sees other runs. Stops at the first that fails. With the environment variable `GNET_SEED`, it
 * calls `run` with that seed alone.
 * @param count a whole number, at least 1.
 * @throws ErrInvalidOption for any other count, with which nothing would run; an `Error` that names the
 *   seed; its `cause` is what `run` threw.
 */
export async function withSeeds(
  count: number,
  run: (seed: number) => Promise<void> | void,
): Promise<void> {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new ErrInvalidOption(
      `cannot run with ${String(count)} seeds: give a whole number from 1`,
    );
  }
  const first = seedOfRun();
  if (!Number.isSafeInteger(first)) {
    throw new ErrInvalidOption(`cannot use GNET_SEED=${process.env['GNET_SEED']}: give a number`);
  }
  const seeds = process.env['GNET_SEED'] === undefined ? count : 1;
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      await run(seed);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`fails with seed ${seed}; repeat it with GNET_SEED=${seed}: ${message}`, {
        cause: error,
      });
    }
  }
}
