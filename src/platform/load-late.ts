import { errnoNumber } from './errno.ts';
import { syscallError } from './syscall-error.ts';

/**
 * Code that is loaded when it is first needed, of a program that may have no descriptor to spare by then.
 * The runtime forgets such a failure: what is asked for again is loaded again.
 * @param what is loaded, for a message: "what speaks TLS".
 * @throws SyscallError, such as EMFILE.
 */
export async function loadLate<Loaded>(load: () => Promise<Loaded>, what: string): Promise<Loaded> {
  try {
    return await load();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    const errno = syscall === undefined || code === undefined ? undefined : errnoNumber(code);
    if (errno === undefined) throw error;
    throw Object.assign(syscallError(syscall ?? 'open', errno, `load ${what}`), { cause: error });
  }
}
