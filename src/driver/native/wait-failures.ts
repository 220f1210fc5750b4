import { errnoName } from '../../platform/index.ts';
import { syscallError } from '../../syscall/errno.ts';

/** A wait that failed so often in a row fails for good: a server that only spins helps nobody. */
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
