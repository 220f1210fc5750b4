import type { SyscallError } from '../../base/errors.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { pendingError, socketFamily } from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import { brokenPipe, connectionReset, notPermitted, wrongProtocolType } from './errno-sets.ts';

/** What failed for good on a stream. */
export interface Breakage {
  readonly errno: number;
  readonly call: string;
}

/** A stream on which a call failed for good; the loop hears of it in the next wait. */
export interface BrokenStream extends Breakage {
  readonly slot: number;
  readonly generation: number;
}

/** What happened to it, for `failed`. */
export function streamError(
  { errno, call }: Breakage,
  connecting: boolean,
  descriptor: number,
  address: string,
): SyscallError {
  if (connecting) return syscallError('connect', errno, `connect to ${address}`, address);
  const isTornDown = errno === brokenPipe || errno === wrongProtocolType;
  const cause = isTornDown ? behindBrokenPipe(descriptor) : errno;
  const syscall = cause === connectionReset ? 'recv' : call;
  // The kernel says this to who sends descriptors to a socket that takes none, since Linux 6.16.
  const isRefusal = cause === notPermitted && isUnix(descriptor);
  const peer = isRefusal ? `${address}, whose peer takes no descriptors (SO_PASSRIGHTS)` : address;
  return syscallError(syscall, cause, `go on with the connection to ${peer}`, address);
}

/**
 * A send to a connection that was reset says EPIPE; what happened is the reset. Behind the peer's end
 * Linux knows no other word for it, and we send nothing behind our own. Unix sockets say it of a
 * peer that is gone.
 */
function behindBrokenPipe(descriptor: number): number {
  const errno = pendingError(descriptor) || brokenPipe;
  return errno === brokenPipe && !isUnix(descriptor) ? connectionReset : errno;
}

function isUnix(descriptor: number): boolean {
  return socketFamily(descriptor) === constants.AF_UNIX;
}

/**
 * What a hang-up means on a stream whose peer has ended its side: an errno, or 0 for the regular end
 * of both sides.
 * @param writeShut we have ended ours, too.
 */
export function errorBehindEnd(descriptor: number, writeShut: boolean): number {
  const errno = pendingError(descriptor);
  // Linux says EPIPE for a reset that follows an end (tcp_reset); ETIMEDOUT comes of keep-alive.
  if (errno === brokenPipe) return connectionReset;
  // No error and our side is open: a peer that is gone for good, which only Unix sockets show.
  return errno === 0 && !writeShut ? brokenPipe : errno;
}
