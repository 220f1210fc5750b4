import type { DescriptorBits } from '../../base/descriptor-bits.ts';

/**
 * Ends a wait from any thread; a file of this folder for each mechanism. Other threads, which may have
 * no FFI, wake by writing eight bytes, a 1, to the descriptor: every mechanism that has one takes that.
 */
export interface Waker {
  /** Readable from a wake until it is cleared, and written to; -1 where the mechanism has no such one. */
  readonly descriptor: number;
  /** What it has open. */
  readonly held: readonly number[];
  /** Any number of wakes before the next wait count once. */
  wake(): void;
  clear(): void;
  /** @param bits where its descriptor is written down as open. */
  close(bits?: DescriptorBits | null): void;
}
