/** Medians, spreads and intervals of a handful of rounds. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Interval {
  readonly median: number;
  /** The bounds that hold 95 % of the resampled medians. */
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 10_000;

/** The middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('the median of no values does not exist');
  return sorted.length % 2 === 1 ? upper : (upper + sorted[middle - 1]!) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * A bootstrap interval of the median: the values are drawn again with repetition, many times.
 * The draws come from a fixed seed, so the same samples always give the same interval.
 */
export function bootstrapMedian(values: readonly number[]): Interval {
  const random = seededRandom(0x2545f491);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)]!)),
  ).sort((a, b) => a - b);
  return {
    median: median(values),
    low: medians[Math.floor(RESAMPLES * 0.025)]!,
    high: medians[Math.ceil(RESAMPLES * 0.975) - 1]!,
  };
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
