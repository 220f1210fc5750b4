/**
 * One bit for each descriptor that a thread has open, in memory that outlives the thread. Whoever cleans up
 * after a thread that was terminated closes exactly these.
 *
 * A thread can be terminated wherever JavaScript calls JavaScript, and where a loop begins again. So a bit
 * and the system call that goes with it stand side by side: a call in between would be a place where one
 * has happened and the other has not.
 */
export interface DescriptorBits {
  readonly words: Int32Array;
  /** The word of descriptors 0 to 31. */
  readonly firstWord: number;
  /** Descriptors from here on have no bit: a terminated thread leaks them. */
  readonly count: number;
}
