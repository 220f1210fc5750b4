import { assert } from '../base/assert.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';

/** Milliseconds of one bucket: a deadline is late by less than this. */
const bucketMs = 8;
const bucketCount = 512;

/**
 * Deadlines of connections: one call per connection, in a hashed wheel of linked lists, so that
 * scheduling and cancelling cost the same for one and for a hundred thousand, and nothing is
 * allocated. A deadline further away than one turn of the wheel waits in the last bucket and is
 * scheduled again from there: the connection looks at its own limits anyway.
 */
export class DeadlineWheel {
  readonly #buckets: (StreamConnection | null)[] = new Array(bucketCount).fill(null);
  /** The bucket that time has reached, counted without end. */
  #position = 0;
  count = 0;

  /** Instead of an earlier one. `now` and `delayMs` are milliseconds of one clock. */
  schedule(connection: StreamConnection, now: number, delayMs: number): void {
    this.cancel(connection);
    if (this.count === 0) this.#position = Math.floor(now / bucketMs);
    const due = Math.ceil((now + delayMs) / bucketMs);
    const last = this.#position + bucketCount - 1;
    const bucket = Math.min(Math.max(due, this.#position + 1), last) % bucketCount;
    const head = this.#buckets[bucket] ?? null;
    connection.deadlineBucket = bucket;
    connection.deadlineNext = head;
    if (head !== null) head.deadlinePrevious = connection;
    this.#buckets[bucket] = connection;
    this.count++;
  }

  cancel(connection: StreamConnection): void {
    const bucket = connection.deadlineBucket;
    if (bucket === -1) return;
    const { deadlineNext: next, deadlinePrevious: previous } = connection;
    if (previous === null) {
      assert(this.#buckets[bucket] === connection, 'the first of a bucket has none before it');
      this.#buckets[bucket] = next;
    } else {
      previous.deadlineNext = next;
    }
    if (next !== null) next.deadlinePrevious = previous;
    connection.deadlineNext = null;
    connection.deadlinePrevious = null;
    connection.deadlineBucket = -1;
    this.count--;
  }

  /** Calls `deadlinePassed` of everything that is due; true when there was something. */
  advance(now: number): boolean {
    if (this.count === 0) return false;
    const reached = Math.floor(now / bucketMs);
    // After a long pause each bucket needs one look, not one per turn of the wheel.
    const from = Math.max(this.#position + 1, reached - bucketCount + 1);
    let ran = false;
    for (let position = from; position <= reached; position++) {
      this.#position = position;
      if (this.#expire(position % bucketCount)) ran = true;
    }
    return ran;
  }

  #expire(bucket: number): boolean {
    // Taken out first: whoever schedules itself again lands behind the position, never here.
    const due: StreamConnection[] = [];
    for (let one = this.#buckets[bucket] ?? null; one !== null; one = one.deadlineNext)
      due.push(one);
    for (const connection of due) {
      if (connection.deadlineBucket !== bucket) continue; // cancelled by one before it
      this.cancel(connection);
      connection.deadlinePassed();
    }
    return due.length > 0;
  }

  /** Milliseconds until something may be due, -1 for never. */
  timeUntilNext(now: number): number {
    if (this.count === 0) return -1;
    for (let ahead = 1; ahead <= bucketCount; ahead++) {
      const position = this.#position + ahead;
      if (this.#buckets[position % bucketCount] === null) continue;
      return Math.max(0, Math.ceil(position * bucketMs - now));
    }
    return bucketCount * bucketMs;
  }
}
