import { lane, laneCount, type LoopMemory, loopState } from './loop-memory.ts';
import { hasEnded } from './thread-ends.ts';
import { wakeIfAsleep } from './wake.ts';

/** Owner of a lane that is being given back: one thread does that for a dead one, once. */
const nobody = -1;

/**
 * A thread has died, perhaps in the middle of a write: the loop does what was written whole and gives
 * the lanes back.
 */
export function abandonLanesOf(memory: LoopMemory, deadThreadId: number): void {
  for (let index = 0; index < laneCount; index++) {
    const owner = memory.laneWord(index, lane.owner);
    // Others may do the same at the same time, and the lane may soon be another thread's.
    const was = Atomics.compareExchange(memory.words, owner, deadThreadId + 1, nobody);
    if (was === deadThreadId + 1) abandonLane(memory, index);
  }
}

/** The same for all threads that are gone: nobody who heard of their ends need have known this loop. */
export function abandonLanesOfEnded(memory: LoopMemory): void {
  for (let index = 0; index < laneCount; index++) {
    const thread = Atomics.load(memory.words, memory.laneWord(index, lane.owner)) - 1;
    if (thread >= 0 && hasEnded(thread)) abandonLanesOf(memory, thread);
  }
}

function abandonLane(memory: LoopMemory, index: number): void {
  const { words } = memory;
  // In the name of the dead, who may have left it at any value: see `wakeIfAsleep`.
  const signalling = memory.laneWord(index, lane.signalling);
  Atomics.store(words, signalling, 1);
  try {
    Atomics.store(words, memory.laneWord(index, lane.abandoned), 1);
    memory.markPending(index);
    if (memory.state === loopState.running) wakeIfAsleep(memory);
  } finally {
    Atomics.store(words, signalling, 0);
  }
}
