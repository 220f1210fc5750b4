/**
 * The time limits of a connection: when each began to count, and when to look next. What happens when
 * one has passed is in `timeout-passed.ts`.
 */
import { Deadline } from './timeout-deadline.ts';
import { type Connection, is } from './record.ts';
import { mark, State } from './states.ts';
import type { TimeLimits } from './timeout-values.ts';

/**
 * A peer that has everything and keeps sending delays the close by up to this many `closeTimeout`s.
 */
const chatLimits = 6;

/** The loop checks a limit this long after the last progress, and again: no limit is later than this. */
export function untilLook(limitMs: number): number {
  return Math.ceil(limitMs / 4);
}

export function timeoutsOf(c: Connection): TimeLimits {
  return c.deadline === null ? c.owner.settings.timeouts : c.deadline.timeouts;
}

export function deadlineOf(c: Connection): Deadline {
  c.deadline ??= new Deadline(c, c.owner.settings.timeouts);
  return c.deadline;
}

/** The peer has ended or we are closing: only `closeTimeout` counts. */
export function isLeaving(c: Connection): boolean {
  if (c.state !== State.Open || is(c, mark.closeRequested)) return true;
  return is(c, mark.readEnded) && !c.settings.allowHalfOpen;
}

/** A slow reader that takes what is pending is not idle. */
export function lastTraffic(c: Connection): number {
  return Math.max(c.lastWritten, c.lastReceived, c.lastProgress);
}

/**
 * Of a close. A peer whose system has everything, as far as can be known, may still be reading: one
 * that goes on sending would take a close for a break. It has longer, but not for ever.
 */
export function lastStep(c: Connection): number {
  const { lastProgress, lastReceived } = c;
  const unsent = c.deadline === null ? 0 : c.deadline.unsent;
  if (unsent > 1 || lastReceived <= lastProgress) return lastProgress;
  return Math.min(lastReceived, lastProgress + chatLimits * timeoutsOf(c).closeTimeout);
}

/** Whether a peer that is silent for that long is the one to blame: we would have heard it. */
export function isRead(c: Connection, readTimeout: number): boolean {
  return readTimeout > 0 && c.paused === 0 && !is(c, mark.readEnded);
}

/** Limits for silence are in use. */
export function countsSilence(c: Connection): boolean {
  const { idleTimeout, readTimeout } = timeoutsOf(c);
  return idleTimeout > 0 || readTimeout > 0;
}

/** When the loop next checks a limit that counts from `since`. */
function nextLook(c: Connection, since: number, limitMs: number): number {
  if (limitMs === 0) return Number.POSITIVE_INFINITY;
  const end = since + limitMs;
  const lookedAt = c.deadline === null ? -1 : c.deadline.lookedAt;
  const hasLooked = lookedAt >= since;
  // There are no bytes that could move, or their number is unknown.
  if (hasLooked && c.deadline !== null && c.deadline.unsent <= 0) return end;
  return Math.min(end, (hasLooked ? lookedAt : since) + untilLook(limitMs));
}

/** Asks the owner for a call when a limit could pass, or is worth a look. */
export function armDeadline(c: Connection): void {
  const { owner } = c;
  const now = owner.currentTime();
  const { idleTimeout, readTimeout, writeTimeout, closeTimeout } = timeoutsOf(c);
  let due = Number.POSITIVE_INFINITY;
  if (isLeaving(c)) due = nextLook(c, lastStep(c), closeTimeout);
  else {
    due = nextLook(c, lastTraffic(c), idleTimeout);
    if (isRead(c, readTimeout)) due = Math.min(due, c.lastReceived + readTimeout);
    if (is(c, mark.writeBlocked)) due = Math.min(due, nextLook(c, c.lastProgress, writeTimeout));
  }
  if (due === Number.POSITIVE_INFINITY) disarmDeadline(c);
  else owner.scheduleDeadline(deadlineOf(c), Math.max(1, due - now));
}

export function disarmDeadline(c: Connection): void {
  if (c.deadline !== null) c.owner.cancelDeadline(c.deadline);
}

/** The connection is over: no timer of its program runs any more. */
export function cancelTimers(c: Connection): void {
  const { rare } = c;
  if (rare === null || rare.timers === null) return;
  for (const timer of rare.timers) c.owner.cancelDeadline(timer);
  rare.timers = null;
}

/** Limits for silence begin to count. */
export function countFromNow(c: Connection): void {
  c.lastWritten = c.lastReceived = c.owner.currentTime();
  armDeadline(c);
}

/** Reading resumes. */
export function readsAgain(c: Connection): void {
  if (timeoutsOf(c).readTimeout === 0) return;
  c.lastReceived = c.owner.currentTime();
  armDeadline(c);
}

/** The kernel stopped taking bytes. */
export function stuckFromNow(c: Connection): void {
  c.lastProgress = c.owner.currentTime();
  if (timeoutsOf(c).writeTimeout > 0) armDeadline(c);
}

/** Events with the stamp `from` happened at an unknown time up to `to`. */
export function renewStamps(c: Connection, from: number, to: number): void {
  if (c.lastReceived === from) c.lastReceived = to;
  if (c.lastWritten === from) c.lastWritten = to;
  if (c.lastProgress === from) c.lastProgress = to;
}
