import type { Socket } from 'node:net';
import { ErrUnsupportedOp } from '../../base/errors.ts';
import { descriptorOfSocket, letGo } from '../../host/runtime-socket.ts';
import { closeDescriptor, duplicateDescriptor, makeOwn } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { peerInto } from '../../syscall/socket.ts';
import { emptyInetAddress } from '../../syscall/socket-address.ts';
import { cannotAdopt } from '../adoption.ts';
import type { AdoptedSocket, SocketOptions } from '../contract.ts';
import { describeSocket } from './describe-socket.ts';
import { setStreamOptions } from './socket-options.ts';

/**
 * Makes a connected stream socket one of ours: close-on-exec, non-blocking, with the options of the server.
 * @throws SyscallError, ErrUnsupportedOp, with everything as it was.
 */
export function adoptSocket(descriptor: number, options: SocketOptions): AdoptedSocket {
  const described = describeSocket(descriptor);
  const { kind, listens } = described;
  const address = emptyInetAddress();
  const path = kind === 'tcp' || kind === 'unix' ? peerInto(descriptor, address) : null;
  if (listens || (path === null && address.family === 0)) {
    throw cannotAdopt(descriptor, described);
  }
  const result = makeOwn(descriptor);
  if (result < 0) throw syscallError('fcntl', -result, `adopt descriptor ${descriptor}`);
  setStreamOptions(descriptor, kind === 'tcp', options);
  return { descriptor, peer: path ?? address };
}

/**
 * The same of a socket of the runtime, by a duplicate of its descriptor.
 * @throws SyscallError (EMFILE), ErrUnsupportedOp, with the socket as it was.
 */
export function adoptRuntimeSocket(socket: Socket, options: SocketOptions): AdoptedSocket {
  const given = descriptorOfSocket(socket);
  if (given === -1) {
    throw new ErrUnsupportedOp(
      "cannot take a socket over: this runtime tells no descriptor of it; use the driver 'node'",
    );
  }
  const descriptor = duplicateDescriptor(given);
  let adopted: AdoptedSocket;
  try {
    adopted = adoptSocket(descriptor, options);
  } catch (error) {
    closeDescriptor(descriptor);
    throw error;
  }
  return { ...adopted, received: letGo(socket) };
}
