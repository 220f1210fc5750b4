import { foreignInterface, word } from '../../ffi/index.ts';
import type { SystemCalls } from '../system-contract.ts';
import { constants } from '../tables.ts';

/** accept4(2), recvmmsg(2) and sendmmsg(2), which only Linux has all three, and SIOCOUTQ. */
export function linuxCalls(): SystemCalls {
  const accept4 = foreignInterface.lookup('accept4', 4);
  const recvmmsg = foreignInterface.lookup('recvmmsg', 5);
  const sendmmsg = foreignInterface.lookup('sendmmsg', 4);
  const noTimeout = word(0);
  const acceptFlags = word(constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC);
  // Whatever O_NONBLOCK says, which a duplicate in another process may have cleared.
  const receiveFlags = word(constants.MSG_DONTWAIT);
  const sendFlags = word(constants.MSG_NOSIGNAL | constants.MSG_DONTWAIT);
  return {
    acceptRaw: (listener, name, nameLength) =>
      accept4(word(listener), name, nameLength, acceptFlags),
    receiveMessagesRaw: (socket, headers, count) =>
      recvmmsg(word(socket), headers, word(count), receiveFlags, noTimeout),
    sendMessagesRaw: (socket, headers, count) =>
      sendmmsg(word(socket), headers, word(count), sendFlags),
    sendQueueRequest: constants.SIOCOUTQ,
  };
}
