import { lane, laneCount, type LoopMemory, loopState } from './loop-memory.ts';
import { wakeIfAsleep } from './wake.ts';

/**
 * A thread has died, perhaps in the middle of a write: the loop does what was written whole and gives
 * the lanes back.
 */
export function abandonLanesOf(memory: LoopMemory, deadThreadId: number): void {
  for (let index = 0; index < laneCount; index++) {
    const owner = Atomics.load(memory.words, memory.laneWord(index, lane.owner));
    if (owner === deadThreadId + 1) abandonLane(memory, index);
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
