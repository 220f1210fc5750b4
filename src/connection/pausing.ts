/** A connection delivers no frames and reads nothing while it has a reason to pause. */
import { type Connection, isClosed } from './record.ts';
import { pauseReason, State, task } from './states.ts';
import { addTask } from './deferred-tasks.ts';

export function pause(c: Connection, reason: number): void {
  if (isClosed(c)) return;
  if (c.paused === 0 && c.state === State.Open) c.transport.pauseReading(c.slot);
  c.paused |= reason;
}

export function resume(c: Connection, reason: number): void {
  if ((c.paused & reason) === 0) return;
  c.paused &= ~reason;
  if (c.paused === 0 && c.state === State.Open) addTask(c, task.continue);
}

/** The rest of the frames has its turn after those of others. */
export function takeTurns(c: Connection): void {
  pause(c, pauseReason.turn);
  resume(c, pauseReason.turn);
}

/** The promise of an earlier event has not settled. */
export function handlerRuns(c: Connection): boolean {
  return (c.paused & pauseReason.handler) !== 0;
}
