/** What the transport tells of the way in: bytes, and the peer's end. */
import type { Slab } from '../buffer/slab.ts';
import { beginClose, continueClose, delivers, isCutOff, leaveHandler } from './closing.ts';
import { callOnEnd } from './call-handler.ts';
import { followerOf } from './following.ts';
import { sendPending } from './flushing.ts';
import { checkInbound, pump } from './frames.ts';
import { enterSlab, keep, leaveSlab } from './inbound.ts';
import { poisonFrame } from './poison.ts';
import { armDeadline, readsAgain } from './timeout-clock.ts';
import { handlerRuns } from './pausing.ts';
import { type Connection, is, isClosed } from './record.ts';
import { mark, State } from './states.ts';

/** Bytes arrived. The hot path: decode, react, reply, one send. */
export function received(c: Connection, slab: Slab, start: number, end: number): void {
  const { owner } = c;
  c.lastReceived = owner.now;
  c.bytesReceived += end - start;
  if (!delivers(c)) return; // a closing connection reads to find the peer's end
  if (c.paused !== 0) {
    c.marks |= mark.heard;
    keep(c, slab, start, end); // a driver may have had it in flight when reading was paused
    checkInbound(c, false);
    return;
  }
  c.marks |= mark.handling | mark.heard;
  enterSlab(c, owner.readWindow, slab, start, end);
  const { window } = c;
  const first = window === null ? 0 : window.start;
  pump(c);
  leaveHandler(c);
  if (!isClosed(c)) sendPending(c);
  if (isClosed(c)) {
    c.window = null;
    window?.leave();
    return;
  }
  const consumed = window === null ? 0 : window.start;
  leaveSlab(c);
  if (owner.poisonFrames && slab.references === 1) {
    poisonFrame(slab.bytes.subarray(first, consumed));
  }
}

/** The peer ended its side. */
export function ended(c: Connection): void {
  if (is(c, mark.readEnded)) return;
  c.marks |= mark.readEnded;
  if (c.state !== State.Open) continueClose(c);
  else if (c.paused === 0) inputFinished(c);
  else waitForHandler(c);
}

/** No reason to pause is left: the frames that wait, then what else comes. */
export function continueReading(c: Connection): void {
  if (c.paused !== 0 || c.state !== State.Open) return;
  pump(c);
  if (c.paused !== 0 || c.state !== State.Open) return;
  if (is(c, mark.readEnded)) inputFinished(c);
  else {
    c.transport.resumeReading(c.slot);
    readsAgain(c);
  }
}

/** Everything that the peer sent has been delivered, and the peer has ended. */
function inputFinished(c: Connection): void {
  if (!is(c, mark.endReported)) {
    c.marks |= mark.endReported;
    followerOf(c)?.peerEnded();
    // A handler that takes an end as completeness must not get `onEnd` here. After `close()` nothing of
    // what came is delivered, whether or not the driver had the end at hand by then.
    if (!isCutOff(c) && delivers(c)) callOnEnd(c);
  }
  // It comes back here once the promise has settled.
  if (handlerRuns(c)) waitForHandler(c);
  else if (isCutOff(c) || !c.settings.allowHalfOpen || is(c, mark.writeShut)) {
    beginClose(c, undefined);
  }
  if (!isClosed(c) && !is(c, mark.handling)) sendPending(c);
}

/** The peer has ended: what is pending has `closeTimeout` to finish, counted from now. */
function waitForHandler(c: Connection): void {
  if (c.settings.allowHalfOpen && !isCutOff(c)) return;
  c.lastProgress = c.owner.currentTime();
  armDeadline(c);
}
