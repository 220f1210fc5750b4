/** Timers of the program: events of a connection, on the wheel of its loop. */
import { int32Max, wholeNumber } from '../base/option-checks.ts';
import { isPromise, whenSettled } from '../base/settled.ts';
import { leaveHandler } from './closing.ts';
import { sendPending } from './flushing.ts';
import { DeadlineLinks } from './deadline-links.ts';
import type { ScheduledDeadline } from './owner.ts';
import { type Connection, isClosed, rareOf, scopeOf } from './record.ts';
import { handlerThrew } from './replies.ts';
import { mark } from './states.ts';

const milliseconds = wholeNumber(1, int32Max, 'milliseconds');
const nothing = (): void => {};

export class ConnectionTimer extends DeadlineLinks implements ScheduledDeadline {
  readonly #connection: Connection;
  readonly #fn: () => void;

  constructor(connection: Connection, fn: () => void) {
    super();
    this.#connection = connection;
    this.#fn = fn;
  }

  deadlinePassed(): void {
    const c = this.#connection;
    rareOf(c).timers?.delete(this);
    if (isClosed(c)) return;
    c.marks |= mark.handling;
    try {
      const answer: unknown = scopeOf(c).runInAsyncScope(this.#fn);
      if (isPromise(answer)) whenSettled(answer, nothing, (thrown) => timerThrew(c, thrown));
    } catch (thrown) {
      timerThrew(c, thrown);
    }
    leaveHandler(c);
    if (!isClosed(c)) sendPending(c);
  }
}

function timerThrew(c: Connection, thrown: unknown): void {
  if (!isClosed(c)) handlerThrew(c, 'a timer', thrown);
}

/** See `Conn`. */
export function setTimer(c: Connection, ms: number, fn: () => void): () => void {
  const delay = milliseconds('a timer', ms);
  if (isClosed(c)) return nothing;
  const timer = new ConnectionTimer(c, fn);
  const rare = rareOf(c);
  rare.timers ??= new Set();
  rare.timers.add(timer);
  c.owner.scheduleDeadline(timer, delay);
  return () => {
    if (rare.timers?.delete(timer)) c.owner.cancelDeadline(timer);
  };
}
