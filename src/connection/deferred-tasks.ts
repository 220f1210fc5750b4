/** Work that a connection puts off until the loop has handled its events. */
import { type Connection, is } from './record.ts';
import { mark } from './states.ts';

/** Has the loop do what `bit` of `task` says. */
export function addTask(c: Connection, bit: number): void {
  if (c.tasks === 0) c.owner.scheduleTasks(c);
  c.tasks |= bit;
}

/** Inside `received` or `runTasks` the connection flushes at the end anyway. */
export function scheduleFlush(c: Connection): void {
  if (is(c, mark.flushScheduled | mark.handling)) return;
  c.marks |= mark.flushScheduled;
  c.owner.scheduleFlush(c);
}
