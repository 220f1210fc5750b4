import type { ScheduledDeadline } from './owner.ts';

/** The links of a deadline in the wheel of its loop; the wheel alone sets them. */
export abstract class DeadlineLinks {
  deadlineNext: ScheduledDeadline | null = null;
  deadlinePrevious: ScheduledDeadline | null = null;
  deadlineBucket = -1;
  deadlineDue = 0;
}
