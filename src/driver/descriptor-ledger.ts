import type { DescriptorBits } from '../base/descriptor-bits.ts';

/** Memory that a thread has mapped, of which only numbers outlive it. */
export interface LeftMapping {
  readonly address: number;
  readonly byteLength: number;
  /** Where completions lie in it that the thread has perhaps not seen; null where there are none. */
  readonly completions: LeftCompletions | null;
}

/** A ring of completions, in words of 32 bits from the beginning of its mapping. */
export interface LeftCompletions {
  readonly head: number;
  readonly tail: number;
  readonly first: number;
  /** How many there are; a power of two. */
  readonly entries: number;
}

/**
 * A driver's record of its descriptors and mappings, so that the main thread can close and unmap
 * them when the thread dies. Each is written down right after it was opened, and crossed out right
 * before it is closed.
 */
export interface DescriptorLedger {
  /** What is opened and closed by one call stands here. */
  readonly bits: DescriptorBits | null;
  opened(descriptor: number): void;
  /** Somebody else owns it from now on. */
  released(descriptor: number): void;
  /** Memory of a descriptor's file: a closed descriptor lives on for as long as it is mapped. */
  mapped(mapping: LeftMapping): void;
  unmapping(address: number): void;
}
