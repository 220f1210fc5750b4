/** Calls the handler's events but `react`, `preWrite` and `onClosed`, each in the connection's context. */
import { isPromise, whenSettled } from '../base/settled.ts';
import { answered, closeWithServer, leaveHandler } from './closing.ts';
import type { EventHandler } from './conn.ts';
import { ownHandlerEvents } from './handler-events.ts';
import { type Connection, is, isClosed, scopeOf } from './record.ts';
import { applyReply, handlerThrew, holdUp } from './replies.ts';
import { addTask } from './deferred-tasks.ts';
import { mark, State, task } from './states.ts';

type AnyEvent = (c: Connection) => unknown;
const ignore = (): void => {};

/** See `Conn`. */
export function setHandler(c: Connection, handler: EventHandler<unknown>): void {
  const events = ownHandlerEvents(handler);
  if (isClosed(c)) return;
  c.events = c.owner.calls.ofConnection(events);
  if (c.state !== State.Open || !is(c, mark.endReported)) return;
  // It hears of the end, too: behind what still waits for it.
  c.marks &= ~mark.endReported;
  addTask(c, task.continue);
}

function call(c: Connection, event: unknown): unknown {
  return scopeOf(c).runInAsyncScope(event as AnyEvent, c.events.handler, c);
}

export function callOnOpened(c: Connection): void {
  if (!c.events.onOpened) return;
  c.marks |= mark.handling;
  try {
    applyReply(c, call(c, c.events.handler.onOpened), null, null, 'onOpened');
  } catch (thrown) {
    handlerThrew(c, 'onOpened', thrown);
  }
  leaveHandler(c);
}

export function callOnEnd(c: Connection): void {
  if (!c.events.onEnd) return;
  try {
    holdUp(c, call(c, c.events.handler.onEnd), 'onEnd');
  } catch (thrown) {
    handlerThrew(c, 'onEnd', thrown);
  }
}

export function callSignalClose(c: Connection): void {
  if (!c.events.signalClose) return;
  c.marks |= mark.handling;
  try {
    const goodbye = call(c, c.events.handler.signalClose);
    if (isPromise(goodbye)) sayGoodbye(c, goodbye);
  } catch (thrown) {
    handlerThrew(c, 'signalClose', thrown);
  }
  leaveHandler(c);
}

/** Until the promise settles, frames still arrive and get answers; then the close begins. */
function sayGoodbye(c: Connection, goodbye: PromiseLike<unknown>): void {
  if (c.state !== State.Open) return;
  c.marks |= mark.sayingGoodbye;
  const settled = (): void => {
    c.marks &= ~mark.sayingGoodbye;
    closeWithServer(c);
  };
  whenSettled(goodbye, settled, (thrown) => {
    if (!isClosed(c)) handlerThrew(c, 'signalClose', thrown);
    settled();
  });
}

export function callOnDrain(c: Connection): void {
  // Above again since it drained: the program was told to wait once more, and one call follows.
  if (c.state !== State.Open || is(c, mark.aboveHigh) || !c.events.onDrain) return;
  try {
    const answer = call(c, c.events.handler.onDrain);
    if (isPromise(answer)) whenSettled(answer, ignore, (thrown) => drainFailed(c, thrown));
  } catch (thrown) {
    handlerThrew(c, 'onDrain', thrown);
  }
  answered(c);
}

function drainFailed(c: Connection, thrown: unknown): void {
  if (!isClosed(c)) handlerThrew(c, 'onDrain', thrown);
}
