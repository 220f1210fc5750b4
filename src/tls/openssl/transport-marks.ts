import { commonMarks } from '../transport-marks.ts';

/** What is true of a transport of OpenSSL's; bits of one number. */
export const mark = {
  ...commonMarks,
  /** There was no memory for what came or was to leave: nothing may follow what did. */
  cut: 128,
  /** The kernel had all that was taken when it became `writable`, which is being told. */
  hadAll: 256,
} as const;
