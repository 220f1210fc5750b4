import { DeadlineLinks } from './deadline-links.ts';
import type { OwnedConnection, ScheduledDeadline } from './owner.ts';
import type { TimeLimits } from './timeout-values.ts';

/** The time limits of a connection that has some running, or some of its own. */
export class Deadline extends DeadlineLinks implements ScheduledDeadline {
  timeouts: TimeLimits;
  /** `Transport.unsentBytes` as of the last look, and when that was. */
  unsent = 0;
  lookedAt = -1;
  readonly #connection: OwnedConnection;

  constructor(connection: OwnedConnection, timeouts: TimeLimits) {
    super();
    this.#connection = connection;
    this.timeouts = timeouts;
  }

  deadlinePassed(now: number): void {
    this.#connection.deadlinePassed(now);
  }
}
