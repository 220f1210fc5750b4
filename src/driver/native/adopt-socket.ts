import { ErrUnsupportedOp } from '../../base/errors.ts';
import { makeOwn } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/errno.ts';
import { peerInto } from '../../syscall/socket.ts';
import { emptyInetAddress } from '../../syscall/socket-address.ts';
import type { AdoptedSocket, SocketOptions } from '../contract.ts';
import { describeSocket } from './describe-socket.ts';
import { setStreamOptions } from './native-sockets.ts';

/**
 * Makes a connected stream socket one of ours: close-on-exec, non-blocking, with the options of the server.
 * @throws SyscallError, ErrUnsupportedOp, with everything as it was.
 */
export function adoptSocket(descriptor: number, options: SocketOptions): AdoptedSocket {
  const { kind, listens } = describeSocket(descriptor);
  const address = emptyInetAddress();
  const path = kind === 'tcp' || kind === 'unix' ? peerInto(descriptor, address) : null;
  if (listens || (path === null && address.family === 0)) {
    const what = listens ? 'listens' : 'is no connection over TCP or a Unix path';
    throw new ErrUnsupportedOp(
      `cannot adopt descriptor ${descriptor}: it ${what}; give a connected stream socket`,
    );
  }
  const result = makeOwn(descriptor);
  if (result < 0) throw syscallError('fcntl', -result, `adopt descriptor ${descriptor}`);
  setStreamOptions(descriptor, kind === 'tcp', options);
  return { descriptor, peer: path ?? address };
}
