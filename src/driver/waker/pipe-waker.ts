import type { DescriptorBits } from '../../base/descriptor-bits.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { clearWakes, openPipe, writeWake } from '../../syscall/bsd/pipe.ts';
import type { Waker } from './waker.ts';

/** A pipe, for systems that have neither eventfd(2) nor EVFILT_USER. */
export class PipeWaker implements Waker {
  /** None that is both written to and watched. */
  readonly descriptor = -1;
  readonly held: readonly number[];
  /** Readable from a wake until it is cleared. */
  readonly watched: number;
  readonly #writes: number;

  /** @throws SyscallError EMFILE, ENFILE. */
  constructor() {
    this.held = openPipe();
    [this.watched = -1, this.#writes = -1] = this.held;
  }

  wake(): void {
    writeWake(this.#writes);
  }

  clear(): void {
    clearWakes(this.watched);
  }

  close(bits?: DescriptorBits | null): void {
    for (const descriptor of this.held) closeDescriptor(descriptor, bits);
  }
}
