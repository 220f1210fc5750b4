/** Whether a change made the servers slower: decided by what was measured, noise included. */

import type { Metric } from './metrics.ts';
import type { CaseResult } from './results.ts';
import { ratio } from './results.ts';
import type { Interval } from './statistics.ts';

/** Names of the three servers: the second and the third are the same revision. */
export const TREE = 'tree';
export const BASE = 'base';
export const BASE_AGAIN = 'base-again';

export interface Verdict {
  /** The figure that counts of the working tree, divided by that of the base. */
  readonly change: Interval;
  /**
   * How far two runs of the same revision were apart, as a factor of 1 or more: the bound of
   * their interval that is farther from 1.
   */
  readonly noise: number;
  readonly outcome: 'slower' | 'faster' | 'same';
}

/**
 * By a figure of which less is better. Null when a round of one of the three is missing: there is
 * nothing to say.
 */
export function judge(result: CaseResult, { value }: Metric): Verdict | null {
  const change = ratio(result, TREE, BASE, value);
  const again = ratio(result, BASE_AGAIN, BASE, value);
  if (change === null || again === null || result.failures.length > 0) return null;
  const noise = Math.max(1, again.high, 1 / again.low);
  const outcome = change.low > noise ? 'slower' : change.high < 1 / noise ? 'faster' : 'same';
  return { change, noise, outcome };
}
