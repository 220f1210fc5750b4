/** The ways from one state to another, one function each; `states.ts` draws them and says what holds. */
import { assert } from '../base/assert.ts';
import { dropInbound } from './inbound.ts';
import { type Connection, type ConnectionRecord, isClosed, rareOf } from './record.ts';
import { checkCombination, mark, mayFollow, State, stateNames, task } from './states.ts';
import { addTask } from './deferred-tasks.ts';

function enter(c: ConnectionRecord, next: State): void {
  if (!mayFollow(c.state, next)) {
    assert(false, `a connection went from ${stateNames[c.state]} to ${stateNames[next]}`);
  }
  c.state = next;
  checkConnection(c);
}

/** Open -> Flushing. */
export function toFlushing(c: Connection, error: Error | undefined): void {
  if (error !== undefined) rareOf(c).closeError = error;
  dropInbound(c);
  enter(c, State.Flushing);
}

/** Flushing -> Lingering. */
export function toLingering(c: Connection): void {
  enter(c, State.Lingering);
}

/** Not `toEnding`: `onClosed` must not come before the program's call has returned. */
export function toBroken(c: Connection, error: Error | undefined): void {
  if (isClosed(c)) return;
  if (error !== undefined) rareOf(c).closeError ??= error;
  dropInbound(c);
  enter(c, State.Broken);
  addTask(c, task.abort);
}

export function toEnding(c: Connection): void {
  enter(c, State.Ending);
}

/** Ending -> Closed: it holds nothing any more. */
export function toClosed(c: Connection): void {
  dropInbound(c);
  c.window = null;
  c.context = undefined;
  enter(c, State.Closed);
}

/** Everything that must hold between two calls. */
export function checkConnection(c: ConnectionRecord): void {
  checkCombination(c.state, c.marks, c.paused);
  if (c.state === State.Closed) {
    const holds = c.queue !== null || c.ring !== null || c.window !== null;
    assert(!holds && (c.marks & mark.shares) === 0, 'a closed one holds nothing');
  }
}
