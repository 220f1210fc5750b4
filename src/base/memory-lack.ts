import { SyscallError } from './errors.ts';

/** There was no memory for a buffer: about the one who needed it, and soon over perhaps. */
export function isMemoryLack(error: unknown): error is SyscallError {
  return error instanceof SyscallError && error.syscall === 'mmap';
}
