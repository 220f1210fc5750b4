import type { DescriptorBits } from '../../base/descriptor-bits.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { clearEvent, eventDescriptor, signalEvent } from '../../syscall/linux/eventfd.ts';
import type { Waker } from './waker.ts';

/** eventfd(2): a counter that is readable while it is not 0. */
export class EventfdWaker implements Waker {
  readonly descriptor: number;
  readonly held: readonly number[];

  /** @throws SyscallError EMFILE, ENFILE, ENOMEM. */
  constructor() {
    this.descriptor = eventDescriptor();
    this.held = [this.descriptor];
  }

  wake(): void {
    signalEvent(this.descriptor);
  }

  clear(): void {
    clearEvent(this.descriptor);
  }

  close(bits?: DescriptorBits | null): void {
    closeDescriptor(this.descriptor, bits);
  }
}
