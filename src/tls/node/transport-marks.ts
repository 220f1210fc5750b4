import { commonMarks } from '../transport-marks.ts';

/** What is true of a transport of `node:tls`; bits of one number. */
export const mark = {
  ...commonMarks,
  /** The transport below has ended. */
  endDue: 128,
  /** A turn in which what rests is delivered is asked for. */
  scheduled: 256,
  /** close_notify has come. */
  endCame: 512,
  /** The socket is given ciphertext: what it tells is heard when it is done with that. */
  feeding: 1_024,
  /** The handshake is over, and the receiver does not know. */
  openDue: 2_048,
  /** The receiver knows that the session is open. */
  openTold: 4_096,
} as const;
