import type { SyscallError } from '../../base/errors.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { localName } from '../../syscall/socket.ts';
import { acceptConsumes, acceptRests, acceptSkips, tryAgain } from './errno-sets.ts';

/** What an accept that gave no connection means for the listener. */
export const missed = { nothingWaits: 0, skip: 1, rest: 2 } as const;
export type Missed = (typeof missed)[keyof typeof missed];

/** A listener that found no descriptor or memory rests this long, then twice as long, up to the limit. */
const restMsFirst = 10;
const restMsMax = 1_000;
/** So many refusals without a connection between them: the next one would be refused, too. */
const refusalsMax = 64;

/** How long a listener rests when the system has no room for a connection. */
export class AcceptRest {
  #nextMs = restMsFirst;
  #refusals = 0;

  /** A connection was accepted: the next rest is short again. */
  accepted(): void {
    this.#nextMs = restMsFirst;
    this.#refusals = 0;
  }

  /** None was. */
  missed(errno: number): Missed {
    if (errno === tryAgain) return missed.nothingWaits;
    if (!acceptSkips.has(errno)) return missed.rest;
    if (acceptConsumes.has(errno) || ++this.#refusals < refusalsMax) return missed.skip;
    // The poller would tell of the same connection for ever.
    this.#refusals = 0;
    return missed.rest;
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
