import { SyscallError } from '../base/errors.ts';
import { describeErrno, errnoHint, errnoName } from './errno.ts';

/**
 * A typed error for a failed call.
 * @param action what was tried, in the form "listen on tcp://127.0.0.1:80".
 */
export function syscallError(
  syscall: string,
  errno: number,
  action: string,
  address?: string,
): SyscallError {
  const name = errnoName(errno);
  const hint = errnoHint(errno, syscall);
  const advice = hint === undefined ? '' : `; ${hint}`;
  const message = `cannot ${action}: ${describeErrno(errno)} (${syscall}: ${name})${advice}`;
  return new SyscallError(name, message, {
    syscall,
    errno,
    ...(address === undefined ? {} : { address }),
  });
}
