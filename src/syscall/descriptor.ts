import { foreignInterface, word } from '../ffi/index.ts';
import { resultOf, syscallError } from './errno.ts';
import { constants } from './tables.ts';

const closeRaw = foreignInterface.lookup('close', 1);
const fcntlRaw = foreignInterface.lookup('fcntl', 3);

/**
 * close(2). The descriptor is gone whatever it returns: on Linux EINTR and EIO come after it was
 * released, so a second try could close somebody else's. EBADF is a bug of the caller.
 */
export function closeDescriptor(descriptor: number): number {
  return resultOf(closeRaw(word(descriptor)));
}

/**
 * Whether calls on it may wait, as far as O_NONBLOCK says. The flag belongs to the open file: whoever
 * holds a duplicate can change it. fcntl(2) F_GETFL
 */
export function mayWait(descriptor: number): boolean {
  const flags = resultOf(fcntlRaw(word(descriptor), word(constants.F_GETFL), word(0)));
  return flags >= 0 && (flags & constants.O_NONBLOCK) === 0;
}

/** A close-on-exec duplicate. @throws SyscallError EMFILE, EBADF. fcntl(2) F_DUPFD_CLOEXEC */
export function duplicateDescriptor(descriptor: number): number {
  const result = resultOf(fcntlRaw(word(descriptor), word(constants.F_DUPFD_CLOEXEC), word(0)));
  if (result < 0) throw syscallError('fcntl', -result, `duplicate descriptor ${descriptor}`);
  return result;
}
