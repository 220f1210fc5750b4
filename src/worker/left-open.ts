import { closeDescriptor } from '../syscall/descriptor.ts';
import { unmapLeftMemory } from '../syscall/memory.ts';
import type { LoopMemory } from '../mailbox/loop-memory.ts';

/** Closes and unmaps what a loop has left that was marked dead; by the main thread, once. */
export function closeWhatIsLeft(memory: LoopMemory): void {
  memory.awaitSignallers();
  for (const { address, byteLength } of memory.mappings()) unmapLeftMemory(address, byteLength);
  for (const descriptor of memory.descriptors()) closeDescriptor(descriptor);
}
