/**
 * The way to the end of a connection (`states.ts` draws it): flush, half-close, read and discard until
 * the peer's end, `onClosed`, out of the driver, `close(2)`.
 */
import type { GnetError } from '../base/errors.ts';
import { remoteAddress } from './addresses.ts';
import { callOnClosed } from './close-events.ts';
import { tellClose } from './conn-channels.ts';
import { countFailure } from './connection-counts.ts';
import { armDeadline, cancelTimers, disarmDeadline } from './timeout-clock.ts';
import { forcedToClose } from './connection-errors.ts';
import { tellClosed, tellLeaving } from './following.ts';
import { dropOutbound, flush, leaveLast, outboundBuffered } from './outbound.ts';
import { handlerRuns } from './pausing.ts';
import { closeError, type Connection, is, isClosed, rareOf } from './record.ts';
import { mark, pauseReason, State, task } from './states.ts';
import { addTask, scheduleFlush } from './deferred-tasks.ts';
import { toBroken, toClosed, toEnding, toFlushing, toLingering } from './transitions.ts';

/** The connection fails; `abort` if the failure cannot wait until pending bytes are out. */
export function fail(c: Connection, error: GnetError, abort: boolean): void {
  if (abort) finish(c, error, true);
  else beginClose(c, error);
}

/** The transport is broken. */
export function transportFailed(c: Connection, error: GnetError): void {
  // While closing, a peer that breaks off is no error, unless it did not wait for what it was to get.
  const lost = c.state === State.Open || outboundBuffered(c) > 0;
  finish(c, closeError(c) ?? (lost ? error : undefined), true);
}

/** Closes now, whatever is pending: by a reset, unless the program gave it up. */
export function abort(c: Connection, error: Error | undefined): void {
  finish(c, closeError(c) ?? error, !is(c, mark.givenUp));
}

/** The server waits no longer. The error reports the bytes that the peer does not get. */
export function force(c: Connection, error: Error | undefined): void {
  const lost = error === undefined && !isClosed(c) ? bytesNotSent(c) : 0;
  abort(c, lost > 0 ? forcedToClose(lost, remoteAddress(c)) : error);
}

/** The layer below has given up: what is pending cannot be sent; the stream ends in order. */
export function refuse(c: Connection, error: GnetError): void {
  if (isClosed(c)) return;
  dropOutbound(c);
  beginClose(c, error);
}

/** What came was cut off: the close that follows has this error. */
export function cutOff(c: Connection, error: GnetError): void {
  if (c.state === State.Open) rareOf(c).closeError ??= error;
}

export function isCutOff(c: Connection): boolean {
  return closeError(c) !== undefined;
}

/** Bytes that the program wrote and that the peer's system does not have, as far as can be known. */
export function bytesNotSent(c: Connection): number {
  const unsent = c.transport.unsentBytes(c.slot);
  const end = is(c, mark.writeShut) ? 1 : 0;
  return outboundBuffered(c) + Math.max(0, unsent - end);
}

// -- as the program asks for it ---------------------------------------------------------------------

/** Takes effect after the frames of this turn. */
export function requestClose(c: Connection): void {
  if (c.state !== State.Open || is(c, mark.closeRequested)) return;
  if (!is(c, mark.closesWithServer)) {
    tellLeaving(c, true);
    // What that wrote may have broken it, or have run something that closed it.
    if (c.state !== State.Open || is(c, mark.closeRequested)) return;
  }
  c.marks |= mark.closeRequested;
  c.lastProgress = c.owner.currentTime();
  addTask(c, task.close);
}

/**
 * Half-open is allowed no more: an end of the peer that came before is ours, too. Not at once, since the
 * program may be inside a call whose answer and later writes still go first.
 */
export function requestHalfOpenEnd(c: Connection): void {
  if (c.state !== State.Open || !is(c, mark.readEnded)) return;
  c.lastProgress = c.owner.currentTime();
  addTask(c, task.close);
}

/** What the kernel takes now goes out; the rest is dropped when the call of the program is over. */
export function giveUp(c: Connection): void {
  if (isClosed(c)) return;
  tellLeaving(c, false);
  flush(c);
  if (isClosed(c)) return;
  c.marks |= mark.givenUp;
  toBroken(c, undefined);
}

/** `Action.Close`: behind the answer that came with it. */
export function closeByAction(c: Connection): void {
  tellLeaving(c, true);
  beginClose(c, undefined);
}

/** What is pending is dropped when the call of the program is over, and the peer sees a reset. */
export function requestReset(c: Connection): void {
  if (isClosed(c)) return;
  tellLeaving(c, false);
  toBroken(c, undefined);
}

/** The server stops. A handler at work may finish its answer, because a part may have gone out. */
export function closeWithServer(c: Connection): void {
  if (c.state !== State.Open || is(c, mark.closeRequested | mark.sayingGoodbye)) return;
  c.marks |= mark.closesWithServer;
  requestClose(c);
}

/** Inside a call of the handler, or while its promise is open, its answer goes first. */
export function requestEnd(c: Connection): void {
  if (!hasOurSide(c)) return;
  c.marks |= mark.endRequested;
  if (is(c, mark.handling) || handlerRuns(c)) c.marks |= mark.answerDue;
  scheduleFlush(c);
}

/** What the program writes is taken: until the end of our side, or of the connection. */
export function takesBytes(c: Connection): boolean {
  return hasOurSide(c) && !is(c, mark.clearing);
}

/** The program can end our side. */
function hasOurSide(c: Connection): boolean {
  if (c.state !== State.Open || is(c, mark.endRequested | mark.unopened)) return false;
  if (!is(c, mark.closeRequested) || is(c, mark.lastWords)) return true;
  return is(c, mark.closesWithServer) && handlerRuns(c);
}

/** After the call that called `end()`, or broke the connection, an answer has nowhere to go. */
export function takesAnswer(c: Connection): boolean {
  const ends = c.marks & (mark.endRequested | mark.answerDue);
  return c.state === State.Open && ends !== mark.endRequested;
}

/** A call of the handler is over: what `end()` in it asked for takes effect. */
export function answered(c: Connection): void {
  if (!handlerRuns(c)) c.marks &= ~mark.answerDue;
}

export function leaveHandler(c: Connection): void {
  c.marks &= ~mark.handling;
  answered(c);
}

/** Frames reach the handler; after `close()` they do not, not even those of the same read. */
export function delivers(c: Connection): boolean {
  const closing = c.marks & (mark.closeRequested | mark.closesWithServer);
  return c.state === State.Open && closing !== mark.closeRequested;
}

// -- step by step -----------------------------------------------------------------------------------

/**
 * What the peer sent before its end, and an answer that the handler is still working on, have `closeTimeout`
 * before the close.
 */
export function beginRequestedClose(c: Connection): void {
  const isRequested = is(c, mark.closeRequested);
  // Half-open was allowed again meanwhile.
  if (!isRequested && c.settings.allowHalfOpen) return;
  if (handlerRuns(c) || !(isRequested || is(c, mark.endReported))) armDeadline(c);
  else beginClose(c, undefined);
}

/** Open -> Flushing: delivers no more frames; pending output goes out. */
export function beginClose(c: Connection, error: Error | undefined): void {
  if (c.state !== State.Open) return;
  if (is(c, mark.abortive) && !is(c, mark.writeShut)) {
    toBroken(c, error);
    return;
  }
  toFlushing(c, error);
  c.lastProgress = c.owner.currentTime();
  // Reading goes on, and what is read is thrown away: closing with unread bytes would reset the
  // connection and destroy what was flushed.
  // Also when no reason to pause is left: the task that would have gone on reading does so no more.
  if (!is(c, mark.readEnded)) c.transport.resumeReading(c.slot);
  armDeadline(c);
  scheduleFlush(c);
}

/** One step further, if nothing is pending: Flushing -> Lingering -> Closed. */
export function continueClose(c: Connection): void {
  if (isClosed(c) || outboundBuffered(c) > 0) return;
  if (c.state === State.Open && is(c, mark.answerDue)) return;
  // Our end is one in TLS: it comes behind the handshake.
  if (c.state === State.Open && (c.paused & pauseReason.upgrade) !== 0) return;
  if (!is(c, mark.writeShut)) {
    c.marks |= mark.writeShut;
    // If the peer has also ended, the close itself shows it our end.
    if (!is(c, mark.readEnded)) c.transport.shutdownWrite(c.slot);
  }
  if (c.state === State.Open) {
    if (is(c, mark.readEnded) && is(c, mark.endReported)) beginClose(c, undefined);
    return;
  }
  if (is(c, mark.readEnded)) {
    if (c.transport.handedOver(c.slot)) {
      finish(c, closeError(c), false);
      return;
    }
    c.marks |= mark.writeBlocked; // `writable` follows
  }
  if (c.state === State.Flushing) {
    toLingering(c);
    c.lastProgress = c.owner.currentTime();
    armDeadline(c);
  }
}

/** -> Closed: the program hears of it, then the descriptor goes. */
export function finish(c: Connection, error: Error | undefined, abort: boolean): void {
  if (c.state >= State.Ending) return;
  const { owner } = c;
  disarmDeadline(c);
  cancelTimers(c);
  if (error !== undefined) countFailure(owner.counts, error);
  owner.connectionClosing(c);
  toEnding(c);
  if (!is(c, mark.unopened)) {
    tellClose(c, error);
    tellClosed(c, error);
  }
  callOnClosed(c, error);
  if (!abort) leaveLast(c);
  dropOutbound(c);
  toClosed(c);
  c.transport.closeStream(c.slot, abort);
  owner.connectionClosed(c);
}
