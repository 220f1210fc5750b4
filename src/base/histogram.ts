/**
 * How often values of each size came. The figures stand in memory that is given, which other threads
 * may read: one writes, nothing is allocated, and the memory stays as large as it is.
 *
 *   counts of buckets, the last without a bound | sum
 *
 * Each bucket reaches twice as far as the one before.
 */

/** Buckets with an upper bound. */
export const histogramBounds = 22;
/** Numbers that one histogram takes. */
export const histogramNumbers: number = histogramBounds + 2;

/** The figures of a histogram at one moment. */
export interface HistogramFigures {
  /** The upper bounds of the buckets, each of which contains its bound. */
  readonly bounds: readonly number[];
  /** Values in each bucket, not in those below it; the last count is of values above all bounds. */
  readonly counts: readonly number[];
  /** How many values there were. */
  readonly count: number;
  /** All values added up. */
  readonly sum: number;
}

/** Greater values need no more bits than this one. */
const unitsMax = 2 ** 31;

export class Histogram {
  readonly #numbers: Float64Array;
  readonly #firstExponent: number;
  readonly #unitsPerValue: number;

  /**
   * @param numbers `histogramNumbers` of them, 0 at first.
   * @param firstExponent the first bucket ends at two to the power of this, in units.
   * @param unitsPerValue how many units the value 1 is.
   */
  constructor(numbers: Float64Array, firstExponent: number, unitsPerValue: number) {
    this.#numbers = numbers;
    this.#firstExponent = firstExponent;
    this.#unitsPerValue = unitsPerValue;
  }

  /** @param value not negative; what a clock that was set back gives counts as 0. */
  record(value: number): void {
    const numbers = this.#numbers;
    const units = Math.min(Math.ceil(value * this.#unitsPerValue), unitsMax);
    const exponent = units > 1 ? 32 - Math.clz32(units - 1) : 0;
    const bucket = Math.min(Math.max(exponent - this.#firstExponent, 0), histogramBounds);
    numbers[bucket] = (numbers[bucket] as number) + 1;
    if (value > 0) {
      numbers[histogramBounds + 1] = (numbers[histogramBounds + 1] as number) + value;
    }
  }

  figures(): HistogramFigures {
    const counts = [...this.#numbers.subarray(0, histogramBounds + 1)];
    return {
      bounds: Array.from({ length: histogramBounds }, (_, at) => {
        return 2 ** (this.#firstExponent + at) / this.#unitsPerValue;
      }),
      counts,
      count: counts.reduce((sum, one) => sum + one, 0),
      sum: this.#numbers[histogramBounds + 1] as number,
    };
  }
}
