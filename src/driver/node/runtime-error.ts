import type { SyscallError } from '../../base/errors.ts';
import { errnoNumber } from '../../platform/index.ts';
import { syscallError } from '../../platform/syscall-error.ts';
import { addressText } from './address-text.ts';

/** The runtime's own errors that correspond to errors of the kernel. */
const errnoOfCode: Readonly<Record<string, string>> = {
  ERR_ACCESS_DENIED: 'EACCES', // the Permission Model
  ERR_STREAM_DESTROYED: 'EPIPE',
  ERR_STREAM_WRITE_AFTER_END: 'EPIPE',
  ERR_SOCKET_CLOSED: 'ENOTCONN',
  ERR_SOCKET_BAD_PORT: 'EINVAL',
};

const bindErrors: ReadonlySet<string> = new Set([
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EACCES',
  'EINVAL',
]);

/**
 * A typed error, with the positive number of this system, from one that the runtime's sockets gave.
 * @param action what was tried, in the form "listen on 127.0.0.1:80".
 */
export function runtimeError(
  error: unknown,
  syscall: string,
  action: string,
  address: string,
): SyscallError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const name = errnoOfCode[code] ?? code;
  const said = (error as NodeJS.ErrnoException).syscall ?? syscall;
  // The runtime calls both steps of listening by one name.
  const call = said === 'listen' && bindErrors.has(name) ? 'bind' : said;
  return syscallError(call, errnoNumber(name) ?? errnoNumber('EIO') ?? 5, action, address);
}

/** Of a socket that did not connect to `address`, or could not be bound to the address to call from. */
export function connectError(error: Error, address: string): SyscallError {
  const { syscall, address: host, port = 0 } = error as RefusedAddress;
  if (syscall !== 'bind') return runtimeError(error, 'connect', `connect to ${address}`, address);
  const local = addressText(host, port);
  return runtimeError(error, 'bind', `call from ${local}`, local);
}

interface RefusedAddress extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
}
