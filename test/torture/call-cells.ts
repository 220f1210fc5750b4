/** What is tried: every call x every errno x when x how long. */
import { calls, errnosOf } from './call-errnos.ts';

export const phases = ['start', 'middle', 'end'] as const;
export type Phase = (typeof phases)[number];

export interface Cell {
  readonly call: string;
  readonly errno: string;
  readonly phase: Phase;
  readonly lasting: boolean;
  /** So many of the calls go well before one fails. */
  readonly skip?: number;
}

export const nameOf = ({ call, errno, phase, lasting }: Cell): string =>
  `${call}=${errno}, ${lasting ? 'for good' : 'once'}, at the ${phase}`;

/**
 * A call that sends takes less where the socket is full, or the system short of memory: either way the
 * kernel tells of room when the peer has taken something. A ring's poll waits for that, and one with
 * room all the while would tell nothing. Its sends by the ring itself may be short whenever they are.
 */
const isImpossible = (driver: string, call: string, errno: string): boolean =>
  driver === 'io_uring' && call === 'sendto' && errno === 'SHORT';

export function allCells(driver: string): Cell[] {
  const cells: Cell[] = [];
  for (const call of calls) {
    for (const errno of errnosOf(call)) {
      if (isImpossible(driver, call, errno)) continue;
      for (const phase of phases) {
        for (const lasting of [false, true]) cells.push({ call, errno, phase, lasting });
      }
    }
  }
  return cells;
}

/** A hang, a loop without end, a server that does not know its address; and what is rare elsewhere. */
export const onceFaults: ReadonlySet<string> = new Set([
  'io_uring_setup=TINY, for good, at the start',
  'io_uring:send=SHORT, for good, at the middle',
  'sendto=EAGAIN, once, at the middle',
  'sendto=EAGAIN, for good, at the middle',
  'recvfrom=ENOMEM, for good, at the middle',
  'sendto=ENOBUFS, for good, at the middle',
  'recvmmsg=ENOMEM, for good, at the middle',
  'io_uring_enter=EAGAIN, for good, at the middle',
  'io_uring:receive=ENOBUFS, for good, at the middle',
  'io_uring:send=ENOMEM, for good, at the middle',
  'io_uring:room=ENOMEM, for good, at the middle',
  'io_uring:connect=ENOMEM, for good, at the middle',
  'io_uring:datagram=ENOMEM, for good, at the middle',
  'io_uring:watched=ENOMEM, for good, at the middle',
  'io_uring:wake=ENOMEM, for good, at the middle',
  'sendmmsg=EINTR, for good, at the middle',
  'getsockname=ENOBUFS, once, at the start',
  'io_uring_enter=EBADF, for good, at the middle',
]);
