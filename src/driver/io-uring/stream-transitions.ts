/** The ways from one state to another, one function each; `stream-states.ts` draws them. */
import { assert } from '../../base/assert.ts';
import type { Stream } from './stream.ts';
import {
  anyCancel,
  anyConnect,
  anyFailure,
  anyHangupPoll,
  anyJoining,
  anyOwnEnd,
  anyPeerEnd,
  anyReceive,
  anyRoomPoll,
  anySend,
  cancel,
  checkCombination,
  connect,
  describeStates,
  failure,
  failureDue,
  hangupPoll,
  joining,
  life,
  mark,
  notOpen,
  ownEnd,
  peerEnd,
  receive,
  receives,
  roomPoll,
  send,
  sends,
} from './stream-states.ts';

/** The state without a bit, where a transition may begin there. */
const none = 1 << 31;

/** @param from states, and `none`, in which the machine may be. */
function go(stream: Stream, machine: number, from: number, to: number): void {
  const now = stream.states & machine;
  if (((now === 0 ? none : now) & from) === 0) refuse(stream.states, from, to);
  const states = (stream.states & ~machine) | to;
  stream.states = states;
  checkCombination(states);
}

function refuse(states: number, from: number, to: number): never {
  const start = (from & none) === 0 ? describeStates(from) : `none ${describeStates(from)}`;
  const end = to === 0 ? 'none' : describeStates(to);
  assert(false, `a stream goes from ${start} to ${end}, not from ${describeStates(states)}`);
}

// -- receiving -------------------------------------------------------------------------------------

export function receiveStarted(stream: Stream): void {
  go(stream, anyReceive, none, receive.inFlight);
}

export function receiveStopping(stream: Stream): void {
  go(stream, anyReceive, receive.inFlight, receive.stopping);
}

/** The cancellation missed the receive, which continues. */
export function receiveNotStopped(stream: Stream): void {
  go(stream, anyReceive, receive.stopping, receive.inFlight);
}

export function receiveEnded(stream: Stream): void {
  go(stream, anyReceive, receives, 0);
}

export function receiveStarved(stream: Stream): void {
  go(stream, anyReceive, none, receive.starved);
}

export function receiveFed(stream: Stream): void {
  go(stream, anyReceive, receive.starved, 0);
}

export function joinWaiting(stream: Stream): void {
  go(stream, anyJoining, none, joining.waiting);
}

export function joinLate(stream: Stream): void {
  go(stream, anyJoining, joining.waiting, joining.late);
}

export function joinEnded(stream: Stream): void {
  go(stream, anyJoining, joining.waiting | joining.late, 0);
}

// -- sending ---------------------------------------------------------------------------------------

/** Also of what is left, and of what has waited for room. */
export function sendSubmitted(stream: Stream): void {
  go(stream, anySend, none | sends, send.inFlight);
}

/** The rest of the slab that was taken waits for room. */
export function sendHeld(stream: Stream): void {
  stream.states |= mark.congested;
  go(stream, anySend, sends, send.held);
}

/** Everything that was taken is sent, or given up. */
export function sendEnded(stream: Stream): void {
  go(stream, anySend, sends, 0);
}

/** The socket took less than it was given by a call. */
export function socketFull(stream: Stream): void {
  stream.states |= mark.congested;
  go(stream, anySend, none, send.full);
}

export function socketHasRoom(stream: Stream): void {
  go(stream, anySend, send.full, 0);
}

export function roomPollStarted(stream: Stream): void {
  go(stream, anyRoomPoll, none, roomPoll.inFlight);
}

export function roomPollEnded(stream: Stream): void {
  go(stream, anyRoomPoll, roomPoll.inFlight, 0);
}

// -- both ends, and what breaks ----------------------------------------------------------------------

export function peerEndReceived(stream: Stream): void {
  go(stream, anyPeerEnd, none, peerEnd.received);
}

export function peerEndReported(stream: Stream): void {
  go(stream, anyPeerEnd, peerEnd.received, peerEnd.reported);
}

export function hangupPollDue(stream: Stream): void {
  go(stream, anyHangupPoll, none, hangupPoll.due);
}

/** Again, too, when the poll has ended by itself. */
export function hangupPollStarted(stream: Stream): void {
  go(stream, anyHangupPoll, none | hangupPoll.due, hangupPoll.inFlight);
}

export function hangupPollEnded(stream: Stream): void {
  go(stream, anyHangupPoll, hangupPoll.inFlight, 0);
}

export function ownEndDue(stream: Stream): void {
  go(stream, anyOwnEnd, none | ownEnd.due, ownEnd.due);
}

export function ownEndDone(stream: Stream): void {
  go(stream, anyOwnEnd, none | ownEnd.due, ownEnd.done);
}

/** The bytes that are kept are reported before. */
export function failureAfterKept(stream: Stream): void {
  go(stream, anyFailure, none, failure.afterKept);
}

export function failureNext(stream: Stream): void {
  go(stream, anyFailure, none | failureDue, failure.next);
}

export function failureReported(stream: Stream): void {
  go(stream, anyFailure, none | failureDue, failure.reported);
}

// -- connecting and closing --------------------------------------------------------------------------

export function connectStarted(stream: Stream): void {
  go(stream, anyConnect, none, connect.inFlight);
}

/** Connected, or closed before that. */
export function connectEnded(stream: Stream): void {
  go(stream, anyConnect, connect.inFlight, 0);
}

/** It has already failed. */
export function connectFailed(stream: Stream): void {
  go(stream, anyConnect, none | connect.inFlight, connect.failed);
}

export function closingBegun(stream: Stream): void {
  go(stream, notOpen, none, life.closing);
}

export function descriptorClosed(stream: Stream): void {
  go(stream, notOpen, life.closing, life.gone);
}

export function cancelStarted(stream: Stream): void {
  go(stream, anyCancel, none, cancel.inFlight);
}

export function cancelAnswered(stream: Stream): void {
  go(stream, anyCancel, cancel.inFlight, cancel.answered);
}

/** It may have missed: it is sent again. */
export function cancelForgotten(stream: Stream): void {
  go(stream, anyCancel, cancel.answered, 0);
}
