/** Loops of this thread that other threads write to. Here their connections are reached directly. */
import type { StreamConnection } from '../connection/stream-connection.ts';
import { abandonLanesOf } from './abandoned-lanes.ts';
import type { LoopMemory } from './loop-memory.ts';

/** Finds a connection of a loop; looks it up at each call. */
export type FindConnection = (slot: number, generation: number) => StreamConnection | null;

interface LocalLoop {
  readonly memory: LoopMemory;
  readonly find: FindConnection;
}

const loops = new Map<string, LocalLoop>();

export function addLocalLoop(memory: LoopMemory, find: FindConnection): void {
  loops.set(memory.key, { memory, find });
}

export function removeLocalLoop(memory: LoopMemory): void {
  loops.delete(memory.key);
}

/** Undefined for a loop of another thread. */
export function finderIn(memory: LoopMemory): FindConnection | undefined {
  return loops.size === 0 ? undefined : loops.get(memory.key)?.find;
}

/** A thread has died, perhaps in the middle of a write: the loops here give its lanes back. */
export function abandonLanesHere(deadThreadId: number): void {
  for (const { memory } of loops.values()) abandonLanesOf(memory, deadThreadId);
}
