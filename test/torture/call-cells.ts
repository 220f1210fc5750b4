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

export function allCells(): Cell[] {
  const cells: Cell[] = [];
  for (const call of calls) {
    for (const errno of errnosOf(call)) {
      for (const phase of phases) {
        for (const lasting of [false, true]) cells.push({ call, errno, phase, lasting });
      }
    }
  }
  return cells;
}

/** A hang, a loop without end, a server that does not know its address. */
export const onceFaults: ReadonlySet<string> = new Set([
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
