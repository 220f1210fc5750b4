import type { DescriptorLedger } from '../driver/descriptor-ledger.ts';
import type { LoopStats } from '../connection/server-view.ts';
import type { WorkShare } from './working-time.ts';

/** All but what is known without counting. */
export type CountedStats = Omit<LoopStats, keyof WorkShare | 'mailboxBytes' | 'histograms'>;

/** What other threads may see of a loop while it runs. The loop writes, everybody reads. */
export interface LoopPublication {
  /** Every descriptor of the loop, for the main thread's cleanup when this thread dies. */
  readonly ledger: DescriptorLedger;
  /** Memory for the histograms of the loop, if it has some. */
  readonly histograms: Float64Array;
  /** Memory for what the loop writes about its time: see `WorkingTime`. */
  readonly workingTime: Float64Array;
  /** A connection of this generation has opened; `connections` are open now. */
  opened(connections: number, generation: number): void;
  /** A connection is gone; `connections` are left. */
  closed(connections: number): void;
  /** Counters, after a turn that had events. */
  publish(stats: CountedStats): void;
}

/** What other threads want of a loop. Only the loop's thread calls this. */
export interface Inbox {
  /** Does what is there, within bounds; true when anything was. */
  drain(): boolean;
  /** The thread may sleep from now on; true when something is there and it must not. */
  aboutToSleep(): boolean;
  /** Refuses what is there and what comes. */
  close(): void;
}
