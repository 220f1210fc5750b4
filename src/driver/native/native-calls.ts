import { allowedCpus, pinToCpu } from '../../syscall/affinity.ts';
import { closeDescriptor, duplicateDescriptor } from '../../syscall/descriptor.ts';
import { unmapLeftMemory } from '../../syscall/memory.ts';
import type { NativeCalls } from '../backend.ts';

export const nativeCalls: NativeCalls = {
  closeDescriptor(descriptor) {
    // What the kernel says does not matter: the descriptor is gone either way.
    closeDescriptor(descriptor);
  },
  duplicateDescriptor,
  unmapLeftMemory,
  pinThread(loop) {
    const cpus = allowedCpus();
    const cpu = cpus[loop % cpus.length];
    return cpu !== undefined && pinToCpu(cpu) === 0;
  },
};
