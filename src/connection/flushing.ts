/** Sends what is pending, and sees to what follows from that. */
import { remoteAddress } from './addresses.ts';
import { settleFlushed } from './blocking.ts';
import { continueClose, fail } from './closing.ts';
import { tellBackpressure } from './conn-channels.ts';
import { tooSlow } from './connection-errors.ts';
import { callPreWriteOf, flush, isStuck, outboundBuffered } from './outbound.ts';
import { resume } from './pausing.ts';
import { type Connection, is, isClosed } from './record.ts';
import { mark, pauseReason, State, task } from './states.ts';
import { addTask, scheduleFlush } from './deferred-tasks.ts';

export function sendPending(c: Connection): void {
  flush(c);
  if (is(c, mark.aboveHigh)) checkMarks(c);
  if (c.queue === null && !is(c, mark.writeBlocked) && !isClosed(c)) {
    if (c.state !== State.Open || is(c, mark.endRequested)) continueClose(c);
  }
}

/** Now: what follows from it has its turn. */
export function flushNow(c: Connection): void {
  if (outboundBuffered(c) === 0) return;
  flush(c);
  scheduleFlush(c);
}

/** The driver takes bytes again. */
export function unblock(c: Connection): void {
  const wasStuck = c.events.preWrite && isStuck(c);
  c.marks &= ~mark.writeBlocked;
  if (wasStuck && outboundBuffered(c) > 0) callPreWriteOf(c);
  if (isClosed(c)) return;
  settleFlushed(c);
  const before = outboundBuffered(c);
  sendPending(c);
  if (outboundBuffered(c) < before) c.lastProgress = c.owner.now;
}

function checkMarks(c: Connection): void {
  const pending = outboundBuffered(c);
  const { lowWaterMark, highWaterMark, closeOnOverflow } = c.settings;
  if (pending <= lowWaterMark) {
    c.marks &= ~mark.aboveHigh;
    resume(c, pauseReason.overflow);
    if (c.events.onDrain) addTask(c, task.drain);
    // Last: a subscriber may write, and be above the mark again.
    tellBackpressure(c, 'drained');
  } else if (closeOnOverflow && pending > highWaterMark && isStuck(c) && !is(c, mark.paced)) {
    // Behind a send that is under way much may wait for a reader that keeps up.
    fail(c, tooSlow(pending, highWaterMark, remoteAddress(c)), true);
  }
}
