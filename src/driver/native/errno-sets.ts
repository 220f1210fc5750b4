/** The meaning of each errno of each call, by name and with its reason. */
import { assert } from '../../base/assert.ts';
import { errnoNumber } from '../../platform/index.ts';

function numberOf(name: string): number {
  const value = errnoNumber(name);
  assert(value !== undefined, `the errno ${name} exists on this platform`);
  return value;
}

export const tryAgain: number = numberOf('EAGAIN');
export const interrupted: number = numberOf('EINTR');
export const brokenPipe: number = numberOf('EPIPE');
/** Of a send: macOS says so while the connection is being torn down, and EPIPE the next time. */
export const wrongProtocolType: number = numberOf('EPROTOTYPE');
export const connectionReset: number = numberOf('ECONNRESET');
export const notPermitted: number = numberOf('EPERM');
export const noBuffers: number = numberOf('ENOBUFS');
export const messageTooLong: number = numberOf('EMSGSIZE');
export const noMemory: number = numberOf('ENOMEM');
export const canceled: number = numberOf('ECANCELED');

/**
 * recv and send: EAGAIN: nothing there, or no room; EINTR: a signal; ENOBUFS, ENOMEM: the system is
 * short of memory for now. Nothing is wrong with the stream, and what it has stays where it is.
 */
export function isPassing(errno: number): boolean {
  return errno === tryAgain || errno === interrupted || isLackOfMemory(errno);
}

/** The system has none for now: to ask again at once would take the CPU for nothing. */
export function isLackOfMemory(errno: number): boolean {
  return errno === noBuffers || errno === noMemory;
}

/**
 * accept4(2): the connection is gone or was refused by the system; the next one may be fine.
 * The network errors belong to the new socket already (man page: "treat them like EAGAIN").
 */
export const acceptSkips: ReadonlySet<number> = new Set(
  [
    'EINTR', // a signal
    'ECONNABORTED', // the peer reset it while it waited
    'EPROTO', // a protocol error on it
    'EPERM', // a firewall rule
    'ENETDOWN',
    'ENOPROTOOPT',
    'EHOSTDOWN',
    'ENONET',
    'EHOSTUNREACH',
    'EOPNOTSUPP',
    'ENETUNREACH',
    'ETIMEDOUT',
  ].flatMap((name) => errnoNumber(name) ?? []), // ENONET is Linux's alone
);

/**
 * Of those, what took a connection from the backlog, or nothing. Behind the others it may wait there still:
 * a security module, or seccomp, says EPERM before anything is taken.
 */
export const acceptConsumes: ReadonlySet<number> = new Set(
  ['EINTR', 'ECONNABORTED', 'EPROTO'].map(numberOf),
);

/**
 * accept4(2): nothing can be accepted for a while: EMFILE and ENFILE (descriptors of the process,
 * of the system), ENOBUFS and ENOMEM (socket memory). The connection stays in the backlog.
 */
export const acceptRests: ReadonlySet<number> = new Set(
  ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].map(numberOf),
);
