import { foreignInterface } from '../ffi/index.ts';
import { errnoLocation } from './errno-location.ts';

export { syscallError } from '../platform/syscall-error.ts';

/**
 * errno of this thread, mapped once (docs/decisions/0003). Read it right after the call that failed, before
 * any other call of the C library. It was wrong once in 65 million failing calls under memory
 * pressure, so a surprising value means "try again", and a fatal one is confirmed by SO_ERROR.
 */
const errnoView = new Int32Array(foreignInterface.view(errnoLocation, 4));

/** The error number of the last failed call of this thread. */
export function lastErrno(): number {
  return errnoView[0] as number;
}

/** Result of a call in the kernel's own form: not negative, or minus the error number. */
export function resultOf(returned: number): number {
  return returned >= 0 ? returned : -(errnoView[0] as number);
}
