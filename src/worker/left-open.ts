import { closeDescriptor } from '../syscall/descriptor.ts';
import { unmapLeftMemory } from '../syscall/memory.ts';
import type { LoopMemory } from './loop-memory.ts';

/** Closes and unmaps what a loop has left whose thread is gone; by the main thread, once. */
export function closeWhatIsLeft(memory: LoopMemory): void {
  for (const { address, byteLength } of memory.mappings()) unmapLeftMemory(address, byteLength);
  for (const descriptor of memory.descriptors()) closeDescriptor(descriptor);
}
