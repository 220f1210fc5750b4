/** From received bytes to calls of `react`. */
import { asyncFrameCopyBytesMax, frameOverheadBytesMax, framesPerTurnMax } from '../base/limits.ts';
import type { Slab } from '../buffer/slab.ts';
import { heldBytes } from '../codec/holding-state.ts';
import { remoteAddress } from './addresses.ts';
import { answered, delivers, fail, takesAnswer } from './closing.ts';
import type { EventHandler, Reply } from './conn.ts';
import { bufferLength, expireRingFrame, isReceivedMemory } from './inbound.ts';
import { poisonFrame } from './poison.ts';
import { frameTooLong, inboundOverflow } from './connection-errors.ts';
import { putFrame } from './outbound.ts';
import { handlerRuns, takeTurns } from './pausing.ts';
import { type Connection, is, openPromises, rareOf, scopeOf } from './record.ts';
import { answerFailed, applyReply, handlerThrew } from './replies.ts';
import { codecError } from './reply.ts';
import { isKept, retainFrame } from './retaining.ts';
import { mark, State, task } from './states.ts';
import { addTask } from './deferred-tasks.ts';

type React = NonNullable<EventHandler<unknown>['react']>;

/** Cuts and delivers frames until there is none, or something makes the connection wait. */
export function pump(c: Connection): void {
  const { maxFrameLength } = c.settings;
  const { counts } = c.owner;
  let budget = framesPerTurnMax;
  while (c.paused === 0 && delivers(c)) {
    if (budget-- === 0) {
      takeTurns(c);
      return;
    }
    if (c.window === null) c.ring?.beginFrame();
    let frame: unknown;
    try {
      frame = c.codec.decode(c);
    } catch (error) {
      fail(c, codecError('decode', error), false);
      return;
    }
    if (frame === null || frame === undefined) {
      if (bufferLength(c) > 0 || c.codecState !== undefined) checkInbound(c, true);
      return;
    }
    // A callback of the codec may have closed it meanwhile.
    if (!delivers(c)) return;
    const length = lengthOf(frame);
    if (length > maxFrameLength) failTooLong(c, length);
    else {
      counts.frames++;
      deliver(c, frame);
    }
    if (is(c, mark.answerDue)) answered(c);
    if (c.rare !== null) expireRingFrame(c, frame);
  }
}

/** The bytes of a frame; what is no frame of bytes is bounded by what the connection may hold. */
function lengthOf(frame: unknown): number {
  return frame instanceof Uint8Array ? frame.length : 0;
}

/** Bounds what an unfinished frame, or a paused connection, may hold. */
export function checkInbound(c: Connection, unfinished: boolean): void {
  const { maxFrameLength, maxInboundBytes } = c.settings;
  const received = bufferLength(c);
  const inside = heldBytes(c.codecState);
  const longest = Math.max(received, inside);
  if (unfinished && longest > maxFrameLength + frameOverheadBytesMax) {
    failTooLong(c, longest);
  } else if (received + inside > maxInboundBytes) {
    fail(c, inboundOverflow(received + inside, maxInboundBytes, remoteAddress(c)), true);
  }
}

function failTooLong(c: Connection, length: number): void {
  fail(c, frameTooLong(length, c.settings.maxFrameLength, remoteAddress(c)), false);
}

/** Calls `react` and takes its answer. */
function deliver(c: Connection, frame: unknown): void {
  const { owner, events } = c;
  if (!events.react) return;
  const { handler } = events;
  const lent = frame === null ? null : lend(c, frame);
  /** A copy that was made to show that the frame has expired. */
  const expiring = owner.poisonFrames && lent !== frame ? (lent as Buffer) : null;
  let reply: Reply | Promise<Reply>;
  try {
    reply = scopeOf(c).runInAsyncScope(handler.react as React, handler, lent as Buffer, c);
  } catch (thrown) {
    expire(expiring);
    handlerThrew(c, 'react', thrown);
    return;
  }
  if (reply !== undefined && reply !== null) {
    try {
      if (reply === lent && frame instanceof Uint8Array && takesAnswer(c)) {
        giveBack(c, frame as Buffer, lent as Buffer);
      } else applyReply(c, reply, lent, expiring, 'react');
    } catch (thrown) {
      answerFailed(c, thrown);
    }
  }
  // A promise of this call keeps it, also when the call has closed the connection.
  if (openPromises(c) === 0) expire(expiring);
}

/** The loan of a copy is over, unless the handler keeps it. */
export function expire(copy: Buffer | null): void {
  if (copy !== null && !isKept(copy)) poisonFrame(copy);
}

/** See `Conn`. */
export function retain(c: Connection, frame: Uint8Array): () => void {
  const { window } = c;
  if (window === null) {
    // Cut from the ring: the frame stays in place, and the ring continues in other memory.
    c.ring?.leaveStorage();
  } else {
    // Answers to later frames are framed in place of what was consumed: not of this one.
    const slab = window.slab as Slab;
    slab.floor = Math.max(slab.floor, window.start);
  }
  return retainFrame(c.owner, frame, c);
}

/** A frame as the handler gets it: itself, or a copy. An object of the codec is always itself. */
function lend(c: Connection, frame: unknown): unknown {
  const { owner } = c;
  if (!(frame instanceof Uint8Array)) return frame;
  if (owner.poisonFrames) {
    if (!isReceivedMemory(c, frame)) return frame;
    // In memory that nothing is received into again: a handler that keeps the frame for too long
    // sees that, and not the bytes of a later one.
    const copy = Buffer.allocUnsafeSlow(frame.length);
    copy.set(frame);
    return copy;
  }
  const copied = owner.openPromises > 0 && frame.length <= asyncFrameCopyBytesMax;
  return copied ? Buffer.from(frame) : frame;
}

/** The handler answered with the lent frame: it goes out from the read slab. */
function giveBack(c: Connection, frame: Buffer, lent: Buffer): void {
  if (lent !== frame) frame.set(lent);
  putFrame(c, frame);
}

// -- react(null) ------------------------------------------------------------------------------------

/** One call of `react(null)` for each. */
export function wake(c: Connection): void {
  if (c.state !== State.Open) return;
  rareOf(c).wakes++;
  addTask(c, task.wake);
}

export function runWakes(c: Connection): void {
  const { rare } = c;
  if (rare === null) return;
  // What the handler asks for meanwhile has its turn later: others must not starve.
  for (let left = Math.min(rare.wakes, framesPerTurnMax); left > 0; left--) {
    if (!mayBeWoken(c)) return;
    rare.wakes--;
    c.ring?.beginFrame();
    deliver(c, null);
    answered(c);
  }
  if (rare.wakes > 0 && mayBeWoken(c)) addTask(c, task.wake);
}

function mayBeWoken(c: Connection): boolean {
  return c.state === State.Open && !handlerRuns(c);
}
