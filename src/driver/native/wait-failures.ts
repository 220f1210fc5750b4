import { errnoName } from '../../platform/index.ts';
import { syscallError } from '../../syscall/last-errno.ts';

/** After this many failures in a row the wait throws: a server that only spins is useless. */
const failuresMax = 100;

/** Waits that fail though they should not. One alone, or a wrong errno, must not end a server. */
export class WaitFailures {
  #inRow = 0;

  succeeded(): void {
    this.#inRow = 0;
  }

  /** @throws SyscallError when it has failed too often. */
  failed(syscall: string, errno: number): void {
    if (++this.#inRow < failuresMax) return;
    const action = `wait for events, ${failuresMax} times in a row (${errnoName(errno)})`;
    throw syscallError(syscall, errno, action);
  }
}
