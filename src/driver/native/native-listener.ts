/** What the listeners of the drivers over system calls have in common. */
import {
  closeDescriptor,
  duplicateDescriptor,
  duplicateOnto,
  makeCloseOnExec,
  mayWait,
} from '../../syscall/descriptor.ts';
import {
  acceptSocket,
  acceptWithoutWaiting,
  localName,
  openSocket,
  shutdownSocket,
} from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import { type BoundPath, removeBoundPath } from '../bound-path.ts';
import type { GivenSocket, SocketOptions } from '../contract.ts';
import { AcceptRest } from './accept-backoff.ts';
import type { OpenedSocket } from './open-sockets.ts';

/** Connections accepted per listener and wait: a storm must not keep open connections waiting. */
export const acceptBatchMax = 64;

export interface NativeListener {
  readonly descriptor: number;
  readonly generation: number;
  readonly boundPath: BoundPath | null;
  /** Not set on a socket that was given to us. */
  ownsPath: boolean;
  readonly backlog: number;
  readonly rest: AcceptRest;
  /** Another process may hold a descriptor of the same socket. */
  duplicated: boolean;
}

export function nativeListener(
  { descriptor, boundPath, shared, isGiven }: OpenedSocket,
  generation: number,
  { backlog }: SocketOptions,
): NativeListener {
  const rest = new AcceptRest();
  const ownsPath = !isGiven;
  return { descriptor, generation, boundPath, ownsPath, backlog, rest, duplicated: shared };
}

export function duplicateListener(listener: NativeListener): number {
  const duplicate = duplicateDescriptor(listener.descriptor);
  listener.duplicated = true;
  return duplicate;
}

export function givenSocketOf({ descriptor, boundPath, duplicated }: NativeListener): GivenSocket {
  return { descriptor, address: localName(descriptor), shared: duplicated, boundPath };
}

/** The next connection, or minus an errno. Another holder may have made the listener blocking. */
export function acceptNext(descriptor: number): number {
  return mayWait(descriptor) ? acceptWithoutWaiting(descriptor) : acceptSocket(descriptor);
}

/** On Linux this ends listening for every holder of the socket: not when there may be others. */
export function endListening({ descriptor, duplicated }: NativeListener): void {
  if (duplicated || shutdownSocket(descriptor, constants.SHUT_RDWR) === 0) return;
  // Elsewhere only a close ends it (ENOTCONN), and the number is needed: it becomes another socket's.
  // Without a descriptor to spare, who comes now is refused when the listener is closed.
  const placeholder = openSocket(constants.AF_UNIX, constants.SOCK_STREAM);
  if (placeholder < 0) return;
  if (duplicateOnto(placeholder, descriptor) === 0) makeCloseOnExec(descriptor);
  closeDescriptor(placeholder);
}

/** Before the close: a client that still finds the path would be refused, not left hanging. */
export function removeOwnPath({ boundPath, ownsPath }: NativeListener): void {
  if (boundPath !== null && ownsPath) removeBoundPath(boundPath);
}
