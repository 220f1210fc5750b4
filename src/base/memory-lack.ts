import { SyscallError } from './errors.ts';

/** There was no memory for a buffer: about the one who needed it, and soon over perhaps. */
export function isMemoryLack(error: unknown): error is SyscallError {
  try {
    return error instanceof SyscallError && error.syscall === 'mmap';
  } catch {
    return false; // a value that a program throws may itself throw when read
  }
}
