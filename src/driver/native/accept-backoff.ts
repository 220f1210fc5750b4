import type { SyscallError } from '../../base/errors.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { localName } from '../../syscall/socket.ts';
import { acceptRests } from './errno-sets.ts';

/** A listener that found no descriptor or memory rests this long, then twice as long, up to the limit. */
const restMsFirst = 10;
const restMsMax = 1_000;

/** How long a listener rests when the system has no room for a connection. */
export class AcceptRest {
  #nextMs = restMsFirst;

  /** A connection was accepted: the next rest is short again. */
  accepted(): void {
    this.#nextMs = restMsFirst;
  }

  /** Milliseconds to rest after a failure. */
  after(errno: number): number {
    // What is no lack will not have passed soon.
    const restMs = acceptRests.has(errno) ? this.#nextMs : restMsMax;
    this.#nextMs = Math.min(restMs * 2, restMsMax);
    return restMs;
  }
}

export function acceptError(listener: number, errno: number): SyscallError {
  const address = localName(listener);
  return syscallError('accept4', errno, `accept a connection on ${address}`, address);
}
