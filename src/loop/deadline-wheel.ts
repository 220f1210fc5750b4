import type { ScheduledDeadline } from '../connection/owner.ts';
import { WheelLevel } from './wheel-level.ts';

/** Milliseconds of one bucket: a near deadline is late by less than this. */
const fineMs = 8;
const fineBuckets = 512;
/** The same for deadlines that are further away than the fine level reaches, some four seconds. */
const coarseMs = 512;
const coarseBuckets = 1_024;
const exactMs = 1;

/**
 * Deadlines of connections: one call per connection, in a hashed wheel of linked lists, so that
 * scheduling and cancelling cost the same for one and for a hundred thousand, and nothing is
 * allocated. Two levels: what is due in minutes may be half a second late, and so a thousand idle
 * connections wake the thread twice a second at most. A deadline further away than the coarse level
 * reaches, nearly nine minutes, waits in its last bucket, and is put into the wheel again from there.
 */
export class DeadlineWheel {
  /** A near deadline is late by less than this, in milliseconds. */
  readonly lateMs: number;
  /** What is due sooner than that is in the fine level. */
  readonly #fineReachMs: number;
  readonly #fine: WheelLevel;
  readonly #coarse: WheelLevel;

  /** @param isExact nothing is late; for clocks that wait for nobody, since it needs many turns. */
  constructor(isExact = false) {
    const bucketMs = isExact ? exactMs : fineMs;
    this.lateMs = bucketMs;
    this.#fineReachMs = bucketMs * (fineBuckets - 1);
    this.#fine = new WheelLevel(bucketMs, fineBuckets, 0);
    this.#coarse = new WheelLevel(isExact ? exactMs : coarseMs, coarseBuckets, fineBuckets);
  }

  get count(): number {
    return this.#fine.count + this.#coarse.count;
  }

  /** Instead of an earlier one. `now` and `delayMs` are milliseconds of one clock. */
  schedule(deadline: ScheduledDeadline, now: number, delayMs: number): void {
    this.cancel(deadline);
    const level = delayMs < this.#fineReachMs ? this.#fine : this.#coarse;
    level.add(deadline, now, now + delayMs);
  }

  cancel(deadline: ScheduledDeadline): void {
    const { deadlineBucket } = deadline;
    if (deadlineBucket === -1) return;
    (deadlineBucket < fineBuckets ? this.#fine : this.#coarse).remove(deadline);
  }

  /** Calls `deadlinePassed` of everything that was due at `now`; true when there was something. */
  advance(now: number): boolean {
    const ran = this.#fine.advance(now);
    return this.#coarse.advance(now) || ran;
  }

  /** Milliseconds until something may be due, -1 for never. */
  timeUntilNext(now: number): number {
    return soonest(this.#fine.timeUntilNext(now), this.#coarse.timeUntilNext(now));
  }
}

/** The shorter of two waits; -1 means for ever. */
export function soonest(one: number, other: number): number {
  return one < 0 || other < 0 ? Math.max(one, other) : Math.min(one, other);
}
