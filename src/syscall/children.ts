import { foreignInterface, word } from '../ffi/index.ts';
import { errnoNumber } from '../platform/index.ts';
import { resultOf } from './last-errno.ts';
import { scratch } from './memory.ts';
import { constants } from './tables.ts';

const zero = word(0);

/**
 * Whoever a descendant leaves behind becomes a child of this process. 0 or minus
 * an errno: ENOSYS where that is Linux's alone. prctl(2)
 */
export function becomeSubreaper(): number {
  const option = constants.PR_SET_CHILD_SUBREAPER;
  if (option === undefined) return -(errnoNumber('ENOSYS') as number);
  const prctl = foreignInterface.lookup('prctl', 5);
  return resultOf(prctl(word(option), word(1), zero, zero, zero));
}

/** How a process ended: its exit code, or the number of the signal that ended it. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: number;
}

/** Takes note of the end of a child; null while it runs, and for who is no child. waitpid(2) */
export function reapChild(pid: number): ExitStatus | null {
  const waitpid = foreignInterface.lookup('waitpid', 3);
  const result = resultOf(waitpid(word(pid), scratch.address, word(constants.WNOHANG)));
  if (result <= 0) return null;
  const status = scratch.view.getInt32(0, true);
  const signal = status & 0x7f;
  return { code: signal === 0 ? (status >> 8) & 0xff : null, signal };
}
