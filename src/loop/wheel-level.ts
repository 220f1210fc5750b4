import { assert } from '../base/assert.ts';
import type { ScheduledDeadline } from '../connection/owner.ts';

/** One turn of buckets of the deadline wheel; each bucket is a list linked through its connections. */
export class WheelLevel {
  readonly #bucketMs: number;
  /** What `deadlineBucket` is of a deadline in the first bucket. */
  readonly #first: number;
  readonly #heads: (ScheduledDeadline | null)[];
  /** The bucket that time has reached, counted without end. */
  #position = 0;
  /** No bucket before this one has anything. */
  #next = 0;
  count = 0;

  constructor(bucketMs: number, bucketCount: number, first: number) {
    this.#bucketMs = bucketMs;
    this.#first = first;
    this.#heads = new Array(bucketCount).fill(null);
  }

  /** For `due`; what is further away than one turn reaches is looked at, and added again, on the way. */
  add(deadline: ScheduledDeadline, now: number, due: number): void {
    if (this.count === 0) this.#position = this.#next = Math.floor(now / this.#bucketMs);
    const last = this.#position + this.#heads.length - 1;
    const wanted = Math.ceil(due / this.#bucketMs);
    const position = Math.min(Math.max(wanted, this.#position + 1), last);
    if (this.count === 0 || position < this.#next) this.#next = position;
    const bucket = position % this.#heads.length;
    const head = this.#heads[bucket] ?? null;
    deadline.deadlineBucket = this.#first + bucket;
    deadline.deadlineDue = due;
    deadline.deadlineNext = head;
    if (head !== null) head.deadlinePrevious = deadline;
    this.#heads[bucket] = deadline;
    this.count++;
  }

  remove(deadline: ScheduledDeadline): void {
    const bucket = deadline.deadlineBucket - this.#first;
    const { deadlineNext: next, deadlinePrevious: previous } = deadline;
    if (previous === null) {
      assert(this.#heads[bucket] === deadline, 'the first of a bucket has none before it');
      this.#heads[bucket] = next;
    } else {
      previous.deadlineNext = next;
    }
    if (next !== null) next.deadlinePrevious = previous;
    deadline.deadlineNext = null;
    deadline.deadlinePrevious = null;
    deadline.deadlineBucket = -1;
    this.count--;
  }

  advance(now: number): boolean {
    const reached = Math.floor(now / this.#bucketMs);
    if (reached <= this.#position) return false;
    // After a long pause each bucket needs one look, not one per turn of the wheel.
    const from = Math.max(this.#position + 1, reached - this.#heads.length + 1);
    let ran = false;
    for (let position = Math.max(from, this.#next); position <= reached; position++) {
      if (this.count === 0) break;
      this.#position = position;
      this.#next = position + 1;
      if (this.#expire(position % this.#heads.length, now)) ran = true;
    }
    this.#position = reached;
    this.#next = Math.max(this.#next, reached + 1);
    return ran;
  }

  #expire(bucket: number, now: number): boolean {
    // Taken out first: a deadline that is scheduled again lands after this position, never here.
    const due: ScheduledDeadline[] = [];
    for (let one = this.#heads[bucket] ?? null; one !== null; one = one.deadlineNext) due.push(one);
    for (const deadline of due) {
      if (deadline.deadlineBucket !== this.#first + bucket) continue; // cancelled by one before it
      this.remove(deadline);
      if (deadline.deadlineDue > now) this.add(deadline, now, deadline.deadlineDue);
      else deadline.deadlinePassed(now);
    }
    return due.length > 0;
  }

  timeUntilNext(now: number): number {
    if (this.count === 0) return -1;
    while (this.#heads[this.#next % this.#heads.length] === null) this.#next++;
    return Math.max(0, this.#next * this.#bucketMs - now);
  }
}
