/** What the handler answers: taken at once, or when its promise has settled. */
import { isMemoryLack } from '../base/memory-lack.ts';
import { isPromise, whenSettled } from '../base/settled.ts';
import type { Slab } from '../buffer/slab.ts';
import { Action } from './action.ts';
import { remoteAddress } from './addresses.ts';
import { beginClose, closeByAction, fail, takesAnswer } from './closing.ts';
import type { Reply } from './conn.ts';
import { tellOpeningAnswered } from './following.ts';
import { poisonFrame } from './poison.ts';
import { countsSilence } from './timeout-clock.ts';
import { put, putPrepared, putRaw } from './outbound.ts';
import { pause, resume } from './pausing.ts';
import { plainBytes, Prepared, type Sendable } from './prepared.ts';
import { type Connection, is, isClosed, rareOf } from './record.ts';
import { codecError, handlerError, kindOfReply, type ReplyPair, replyKind } from './reply.ts';
import { isKept } from './retaining.ts';
import { mark, pauseReason, State, task } from './states.ts';
import { addTask, scheduleFlush } from './deferred-tasks.ts';
import { toBroken } from './transitions.ts';

/** Events whose promise holds up the later ones of their connection. */
type HeldEvent = 'onOpened' | 'react' | 'onEnd';

/**
 * Everything but the commonest replies. Bytes of `onOpened` are sent as they are.
 * @param lent what `react` was given, @param expiring the copy of it that will be poisoned.
 * @throws what the codec throws.
 */
export function applyReply(
  c: Connection,
  reply: unknown,
  lent: unknown,
  expiring: Buffer | null,
  event: 'onOpened' | 'react',
): void {
  const kind = kindOfReply(reply);
  const raw = event === 'onOpened';
  if (kind === replyKind.action) act(c, reply as number, event);
  else if (kind === replyKind.bytes) answer(c, reply as Sendable, raw);
  else if (kind === replyKind.pair) {
    const [bytes, action] = reply as ReplyPair;
    answer(c, bytes, raw);
    act(c, action, event);
  } else if (kind === replyKind.promise) {
    suspend(c, reply as PromiseLike<Reply>, lent, expiring, event);
  }
}

function answer(c: Connection, data: Sendable | null | undefined, raw: boolean): void {
  if (data === undefined || data === null || !takesAnswer(c)) return;
  if (raw) putRaw(c, plainBytes(data));
  else if (Prepared.is(data)) putPrepared(c, data);
  else put(c, data, true);
}

function act(c: Connection, action: number, event: 'onOpened' | 'react'): void {
  if (action === Action.Close) {
    if (event === 'onOpened') tellOpeningAnswered(c);
    closeByAction(c);
  } else if (action === Action.Shutdown) c.owner.requestShutdown();
}

/** Of an event that has no answer; a promise is waited for. */
export function holdUp(c: Connection, answered: unknown, event: 'onEnd'): void {
  if (isPromise(answered)) suspend(c, answered, null, null, event);
}

/** The frame stays lent until the promise settles; later frames wait. */
function suspend(
  c: Connection,
  promise: PromiseLike<unknown>,
  lent: unknown,
  expiring: Buffer | null,
  event: HeldEvent,
): void {
  pause(c, pauseReason.handler);
  rareOf(c).openPromises++;
  c.owner.openPromises++;
  const slab = keepLent(c, lent);
  whenSettled(
    promise,
    (reply) => settled(c, reply, slab, expiring, event),
    (thrown) => {
      if (!isClosed(c)) handlerThrew(c, event, thrown);
      settled(c, undefined, slab, expiring, event);
    },
  );
}

/** Keeps the memory of the frame from being reused; returns the slab, if it is one. */
function keepLent(c: Connection, lent: unknown): Slab | null {
  // Also if this very call closed the connection; it is then not paused.
  rareOf(c).ringView = null;
  const slab = c.window === null ? null : c.window.slab;
  if (slab === null) {
    c.ring?.lend();
    return null;
  }
  if (lent === null) return null;
  // An object may hold views of the slab; who knows.
  if (lent instanceof Uint8Array && lent.buffer !== slab.buffer) return null;
  c.owner.readPool.retain(slab);
  return slab;
}

function settled(
  c: Connection,
  reply: unknown,
  slab: Slab | null,
  expiring: Buffer | null,
  event: HeldEvent,
): void {
  if (c.state === State.Open && (event === 'react' || event === 'onOpened')) {
    try {
      applyReply(c, reply, null, null, event);
    } catch (thrown) {
      answerFailed(c, thrown);
    }
    if (event === 'onOpened') tellOpeningAnswered(c);
  }
  if (expiring !== null && !isKept(expiring)) poisonFrame(expiring);
  if (slab !== null) c.owner.readPool.release(slab);
  const rare = rareOf(c);
  rare.openPromises--;
  if (c.state === State.Closed) return;
  c.owner.openPromises--;
  if (isClosed(c)) return;
  if (rare.openPromises > 0) {
    scheduleFlush(c);
    return;
  }
  c.ring?.endLend();
  c.marks &= ~mark.answerDue;
  if (countsSilence(c)) c.lastWritten = c.owner.currentTime();
  if (is(c, mark.closeRequested)) beginClose(c, undefined);
  scheduleFlush(c);
  resume(c, pauseReason.handler);
  // They wait for the promise alone, not for other reasons to pause.
  if (rare.wakes > 0) addTask(c, task.wake);
}

/** It is malformed, or the codec cannot encode it. */
export function answerFailed(c: Connection, thrown: unknown): void {
  c.owner.report('an answer cannot be sent; its connection is closed', thrown);
  if (isMemoryLack(thrown)) {
    toBroken(c, thrown);
    return;
  }
  fail(c, codecError('encode', thrown), false);
}

export function handlerThrew(c: Connection, event: string, thrown: unknown): void {
  c.owner.report(`${event} failed; its connection is closed`, thrown);
  fail(c, handlerError(event, thrown, remoteAddress(c)), false);
}
