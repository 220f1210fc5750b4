import type { SyscallError } from '../../base/errors.ts';
import { syscallError } from '../../syscall/errno.ts';
import { pendingError } from '../../syscall/socket.ts';
import { brokenPipe, connectionReset } from './errno-sets.ts';

/** A stream on which a call failed for good; the loop hears of it in the next wait. */
export interface BrokenStream {
  readonly slot: number;
  readonly generation: number;
  readonly errno: number;
}

/** What happened to it, for `failed`. */
export function streamError(
  errno: number,
  connecting: boolean,
  descriptor: number,
  address: string,
): SyscallError {
  if (connecting) return syscallError('connect', errno, `connect to ${address}`, address);
  // A send to a reset connection says EPIPE; what happened is the reset.
  const cause = errno === brokenPipe ? pendingError(descriptor) || errno : errno;
  const syscall = cause === connectionReset ? 'recv' : 'send';
  return syscallError(syscall, cause, `go on with the connection to ${address}`, address);
}
