/** What a loop measures with the option `histograms`: how long its work takes, and how large it is. */
import type { Driver } from '../driver/contract.ts';
import { Histogram, type HistogramFigures, histogramNumbers } from '../base/histogram.ts';

/** One histogram of a loop, at one moment. */
export type HistogramStats = HistogramFigures;

/** The histograms of a loop: see the option `histograms`. Times are in milliseconds. */
export interface HistogramsOfLoop {
  /**
   * How long a turn of the loop took: everything between two sleeps that had anything to do. On the
   * driver `node` there are no turns to measure, and no values.
   */
  readonly turnMs: HistogramStats;
  /** How long each call of the handler took, until it returned. */
  readonly handlerMs: HistogramStats;
  /**
   * How long connections waited between their handshake and the loop. Only of TCP on Linux with a
   * native driver, as exact as the ticks of the kernel: 1 to 10 ms.
   */
  readonly acceptWaitMs: HistogramStats;
  /** Bytes of the frames and datagrams given to `react`; not of frames that are no bytes. */
  readonly frameBytes: HistogramStats;
}

const names = [
  'turnMs',
  'handlerMs',
  'acceptWaitMs',
  'frameBytes',
] as const satisfies readonly (keyof HistogramsOfLoop)[];

/** Numbers in memory that the histograms of a loop take. The first is 1 while they are in use. */
export const loopHistogramNumbers: number = 1 + names.length * histogramNumbers;

/** The first bucket of times ends at 4 microseconds, the last at 8.4 seconds. */
const firstTimeExponent = 2;
/** The first bucket of sizes ends at 16 bytes, the last at 32 MiB. */
const firstSizeExponent = 4;
const microsecondsPerMs = 1_000;

export class LoopHistograms {
  readonly turns: Histogram;
  readonly calls: Histogram;
  readonly accepts: Histogram;
  readonly frames: Histogram;

  /** @param numbers `loopHistogramNumbers` of them. */
  constructor(numbers: Float64Array = new Float64Array(loopHistogramNumbers)) {
    const part = (index: number): Float64Array => {
      const start = 1 + index * histogramNumbers;
      return numbers.subarray(start, start + histogramNumbers);
    };
    const ofTimes = (index: number): Histogram =>
      new Histogram(part(index), firstTimeExponent, microsecondsPerMs);
    numbers[0] = 1;
    this.turns = ofTimes(0);
    this.calls = ofTimes(1);
    this.accepts = ofTimes(2);
    this.frames = new Histogram(part(3), firstSizeExponent, 1);
  }

  /** A connection has come from a listener of this loop, or of one that accepts for it. */
  accepted(driver: Driver, slot: number): void {
    const waitedMs = driver.acceptWaitMs?.(slot) ?? -1;
    if (waitedMs >= 0) this.accepts.record(waitedMs);
  }

  stats(): HistogramsOfLoop {
    return {
      turnMs: this.turns.figures(),
      handlerMs: this.calls.figures(),
      acceptWaitMs: this.accepts.figures(),
      frameBytes: this.frames.figures(),
    };
  }
}

/** Those that stand in shared memory; nothing while nobody uses them. */
export function histogramsIn(numbers: Float64Array): { readonly histograms?: HistogramsOfLoop } {
  return numbers[0] === 1 ? { histograms: new LoopHistograms(numbers).stats() } : {};
}
