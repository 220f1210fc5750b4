import { ErrInvalidOption } from '../base/errors.ts';
import { isPromise, whenSettled } from '../base/settled.ts';
import { captureScope, type EventScope } from '../host/event-scope.ts';
import type { Conn } from './conn.ts';
import type { EventHandler } from './conn.ts';
import { EventServer } from './event-server.ts';
import type { HandlerCalls, HandlerEvents } from './owner.ts';

type PreWrite = (c: Conn) => unknown;
const ignore = (): void => {};
const asTheyAre = (events: HandlerEvents): HandlerEvents => events;

interface Reporter {
  report(message: string, error: unknown): void;
}

/**
 * The handler of a loop; its events run in the async context of the caller. @throws as
 * `handlerEvents`.
 */
export function handlerCalls(handler: EventHandler<unknown>): HandlerCalls {
  const events = handlerEvents(handler);
  const { handler: called } = events;
  const scope = captureScope();
  return { handler: called, events, scope, ofConnection: asTheyAre, preWriteRuns: false };
}

/** Many connections may share one handler of their own. */
const known = new WeakMap<EventHandler<unknown>, HandlerEvents>();

/** As `handlerEvents`, which is asked once for each handler. */
export function ownHandlerEvents(handler: EventHandler<unknown>): HandlerEvents {
  const before = typeof handler === 'object' && handler !== null ? known.get(handler) : undefined;
  if (before !== undefined) return before;
  const events = handlerEvents(handler);
  known.set(handler, events);
  return events;
}

/**
 * Which events a handler really has: one that is missing, or that is the empty one of `EventServer`,
 * is never called.
 * @throws ErrInvalidOption when it is no object, or an event is not a function.
 */
function handlerEvents(handler: EventHandler<unknown>): HandlerEvents {
  if (typeof handler !== 'object' || handler === null) {
    throw new ErrInvalidOption(
      'cannot use the handler: give an object with events such as react(frame, c), or an instance of a class that extends EventServer',
    );
  }
  const has = (name: keyof EventHandler): boolean => {
    const method: unknown = handler[name];
    if (method === undefined || method === EventServer.prototype[name]) return false;
    if (typeof method === 'function') return true;
    throw new ErrInvalidOption(
      `cannot use the handler: ${name} is a ${typeof method}; make it a method or leave it out`,
    );
  };
  return {
    handler,
    onOpened: has('onOpened'),
    onClosed: has('onClosed'),
    preWrite: has('preWrite'),
    react: has('react'),
    onDrain: has('onDrain'),
    onEnd: has('onEnd'),
    signalClose: has('signalClose'),
    onError: has('onError'),
  };
}

function reportPreWrite(owner: Reporter, thrown: unknown): void {
  owner.report('preWrite threw', thrown);
}

/**
 * Calls `preWrite`, which the handler has. What it throws is reported: the answer goes out all the
 * same. What it writes itself, to whichever connection, calls no `preWrite`: that would have no end.
 */
export function callPreWrite(
  owner: Reporter & { readonly calls: HandlerCalls },
  handler: EventHandler<unknown>,
  scope: EventScope,
  c: Conn,
): void {
  const { calls } = owner;
  if (calls.preWriteRuns) return;
  calls.preWriteRuns = true;
  try {
    const answer = scope.runInAsyncScope(handler.preWrite as PreWrite, handler, c);
    // Nothing waits for a promise, but its rejection is a throw like any other.
    if (isPromise(answer)) whenSettled(answer, ignore, (thrown) => reportPreWrite(owner, thrown));
  } catch (thrown) {
    reportPreWrite(owner, thrown);
  }
  calls.preWriteRuns = false;
}
