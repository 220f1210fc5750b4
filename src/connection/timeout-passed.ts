/** What happens when a time limit of a connection may have passed. */
import { remoteAddress } from './addresses.ts';
import { beginClose, bytesNotSent, finish } from './closing.ts';
import type { Timeouts } from './conn.ts';
import {
  armDeadline,
  countFromNow,
  deadlineOf,
  isLeaving,
  isRead,
  lastStep,
  lastTraffic,
  timeoutsOf,
  untilLook,
} from './timeout-clock.ts';
import { timedOut } from './connection-errors.ts';
import { closeError, type Connection, is, isClosed } from './record.ts';
import { mark, State } from './states.ts';
import { checkedTimeouts } from './timeout-values.ts';

/** See `Conn`. */
export function setTimeouts(c: Connection, timeouts: Timeouts): void {
  const checked = checkedTimeouts(timeouts, timeoutsOf(c));
  deadlineOf(c).timeouts = checked;
  if (!isClosed(c)) countFromNow(c);
}

/** The time scheduled with the owner has come; up to `now` everything that arrived was handled. */
export function deadlinePassed(c: Connection, now: number): void {
  if (isClosed(c)) return;
  if (isLeaving(c)) checkLeaving(c, now);
  else checkOpen(c, now);
  if (!isClosed(c)) armDeadline(c);
}

function checkOpen(c: Connection, now: number): void {
  const { idleTimeout, readTimeout, writeTimeout } = timeoutsOf(c);
  if (is(c, mark.writeBlocked) && isStuckFor(c, now, c.lastProgress, writeTimeout)) {
    endWithTimeout(c, 'writeTimeout', writeTimeout);
  } else if (isRead(c, readTimeout) && now - c.lastReceived >= readTimeout) {
    endWithTimeout(c, 'readTimeout', readTimeout);
  } else if (isStuckFor(c, now, lastTraffic(c), idleTimeout)) {
    endWithTimeout(c, 'idleTimeout', idleTimeout);
  }
}

function checkLeaving(c: Connection, now: number): void {
  const { closeTimeout } = timeoutsOf(c);
  if (!isStuckFor(c, now, lastStep(c), closeTimeout)) return;
  // A handler that does not come to an end holds up the close, not what is pending behind it.
  if (c.state === State.Open && is(c, mark.closeRequested)) beginClose(c, undefined);
  else if (bytesNotSent(c) > 0 || c.state !== State.Lingering) {
    endWithTimeout(c, 'closeTimeout', closeTimeout);
    // The peer's system has it all: that its program does not end is no error of ours.
  } else finish(c, closeError(c), false);
}

/** Whether nothing has moved since then, for that long. The kernel is asked before that is said. */
function isStuckFor(c: Connection, now: number, since: number, limitMs: number): boolean {
  if (limitMs === 0 || now - since < untilLook(limitMs)) return false;
  if (hasMoved(c, since)) {
    c.lastProgress = deadlineOf(c).lookedAt;
    return false;
  }
  return now - since >= limitMs;
}

/**
 * Asks whether bytes have left since the last look. The first look after `since` has nothing to
 * compare with: that some are on their way is enough.
 */
function hasMoved(c: Connection, since: number): boolean {
  const deadline = deadlineOf(c);
  const isFirst = deadline.lookedAt < since;
  const before = deadline.unsent;
  deadline.unsent = c.transport.unsentBytes(c.slot);
  deadline.lookedAt = c.owner.currentTime();
  return isFirst ? deadline.unsent > 0 : deadline.unsent >= 0 && deadline.unsent < before;
}

function endWithTimeout(c: Connection, name: keyof Timeouts, limitMs: number): void {
  const error = timedOut(name, limitMs, bytesNotSent(c), remoteAddress(c));
  finish(c, closeError(c) ?? error, true);
}
