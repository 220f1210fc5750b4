/** `onClosed`: the last event of a connection, which nothing of it waits for. */
import { isPromise, whenSettled } from '../base/settled.ts';
import { Action } from './action.ts';
import { type Connection, is, openPromises, scopeOf } from './record.ts';
import { mark } from './states.ts';

type OnClosed = (c: Connection, error: Error | undefined) => unknown;

export function callOnClosed(c: Connection, error: Error | undefined): void {
  const { owner, events } = c;
  // The loop counts pending promises that something waits for; nothing waits for these any more.
  owner.openPromises -= openPromises(c);
  if (!events.onClosed || is(c, mark.unopened)) return;
  const { handler } = events;
  try {
    closedAnswered(c, scopeOf(c).runInAsyncScope(handler.onClosed as OnClosed, handler, c, error));
  } catch (thrown) {
    closedThrew(c, thrown);
  }
}

function closedAnswered(c: Connection, answer: unknown): void {
  if (answer === Action.Shutdown) c.owner.requestShutdown();
  else if (isPromise(answer)) {
    whenSettled(
      answer,
      (later) => closedAnswered(c, later),
      (thrown) => closedThrew(c, thrown),
    );
  }
}

function closedThrew(c: Connection, thrown: unknown): void {
  c.owner.report('onClosed threw', thrown);
}
