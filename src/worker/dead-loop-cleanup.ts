import { closeLeftBehind } from '../driver/dead-thread-descriptors.ts';
import type { LoopMemory } from '../mailbox/loop-memory.ts';

/** Closes and unmaps what a loop has left that was marked dead; by the main thread, once. */
export function closeWhatIsLeft(memory: LoopMemory): void {
  memory.awaitSignallers();
  closeLeftBehind({ descriptors: memory.descriptors(), mappings: memory.mappings() });
}
