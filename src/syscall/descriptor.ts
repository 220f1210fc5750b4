import type { DescriptorBits } from '../base/descriptor-bits.ts';
import { foreignInterface, word } from '../ffi/index.ts';
import { resultOf, syscallError } from './last-errno.ts';
import { fcntlRaw } from './system-calls.ts';
import { constants } from './tables.ts';

const closeRaw = foreignInterface.lookup('close', 1);
const dup2Raw = foreignInterface.lookup('dup2', 2);

/**
 * close(2). The descriptor is gone whatever it returns: on Linux EINTR and EIO come after it was
 * released, so a second try could close somebody else's. EBADF is a bug of the caller.
 * @param bits where it is written down as open.
 */
export function closeDescriptor(descriptor: number, bits: DescriptorBits | null = null): number {
  const argument = word(descriptor);
  if (bits !== null && descriptor < bits.count) {
    Atomics.and(bits.words, bits.firstWord + (descriptor >>> 5), ~(1 << (descriptor & 31)));
  }
  // The very next call: see `DescriptorBits`.
  const result = closeRaw(argument);
  return resultOf(result);
}

/**
 * Whether calls on it may wait, as far as O_NONBLOCK says. The flag belongs to the open file: whoever
 * holds a duplicate can change it. fcntl(2) F_GETFL
 */
export function mayWait(descriptor: number): boolean {
  const flags = resultOf(fcntlRaw(descriptor, constants.F_GETFL, 0));
  return flags >= 0 && (flags & constants.O_NONBLOCK) === 0;
}

/**
 * Close-on-exec and non-blocking from now on: 0 or minus an errno (EBADF). O_NONBLOCK belongs to the
 * open file, and holds for everybody who has a descriptor of it. fcntl(2) F_SETFD, F_SETFL
 */
export function makeOwn(descriptor: number): number {
  const flags = resultOf(fcntlRaw(descriptor, constants.F_GETFL, 0));
  if (flags < 0) return flags;
  const cloexec = makeCloseOnExec(descriptor);
  if (cloexec < 0) return cloexec;
  return setFlags(descriptor, flags | constants.O_NONBLOCK);
}

/** 0 or minus an errno. fcntl(2) F_SETFD */
export function makeCloseOnExec(descriptor: number): number {
  return Math.min(0, resultOf(fcntlRaw(descriptor, constants.F_SETFD, constants.FD_CLOEXEC)));
}

function setFlags(descriptor: number, flags: number): number {
  return Math.min(0, resultOf(fcntlRaw(descriptor, constants.F_SETFL, flags)));
}

/** Whether calls on it may wait, from now on: 0 or minus an errno. fcntl(2) F_SETFL */
export function setMayWait(descriptor: number, waits: boolean): number {
  const flags = resultOf(fcntlRaw(descriptor, constants.F_GETFL, 0));
  if (flags < 0) return flags;
  const { O_NONBLOCK } = constants;
  return setFlags(descriptor, waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/** A descriptor as `makeOwn` leaves it, or minus an errno with the descriptor closed. */
export function madeOwn(descriptor: number, bits: DescriptorBits | null = null): number {
  const result = makeOwn(descriptor);
  if (result === 0) return descriptor;
  closeDescriptor(descriptor, bits);
  return result;
}

/** `target` names the file of `descriptor` from now on, across exec: 0 or minus an errno. dup2(2) */
export function duplicateOnto(descriptor: number, target: number): number {
  return Math.min(0, resultOf(dup2Raw(word(descriptor), word(target))));
}

/** A close-on-exec duplicate. @throws SyscallError EMFILE, EBADF. fcntl(2) F_DUPFD_CLOEXEC */
export function duplicateDescriptor(descriptor: number): number {
  const result = resultOf(fcntlRaw(descriptor, constants.F_DUPFD_CLOEXEC, 0));
  if (result < 0) throw syscallError('fcntl', -result, `duplicate descriptor ${descriptor}`);
  return result;
}
