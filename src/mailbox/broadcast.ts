import type { Bytes } from '../connection/conn.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import { giveBytes } from './conn-handle.ts';

/** Writes to every open connection of a loop of this thread; how many took it. */
export function broadcastOn(loop: EventLoop, data: Bytes): number {
  let taken = 0;
  for (const connection of loop.connections()) if (giveBytes(connection, data)) taken++;
  return taken;
}
