/** What only Linux has, under the names of `system-calls.ts`. */
import { type Address, foreignInterface, word } from '../ffi/index.ts';
import { constants } from './tables.ts';

const accept4 = foreignInterface.lookup('accept4', 4);
const recvmmsg = foreignInterface.lookup('recvmmsg', 5);
const sendmmsg = foreignInterface.lookup('sendmmsg', 4);

const noTimeout = word(0);
const acceptFlags = word(constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC);
/** Whatever O_NONBLOCK says, which a duplicate in another process may have cleared. */
const receiveFlags = word(constants.MSG_DONTWAIT);
const sendFlags = word(constants.MSG_NOSIGNAL | constants.MSG_DONTWAIT);

/** A connection, non-blocking and close-on-exec, and its peer's name; -1 with an errno. accept4(2) */
export function acceptRaw(listener: number, name: Address, nameLength: Address): number {
  return accept4(word(listener), name, nameLength, acceptFlags);
}

/** Datagrams received into the headers; -1 with an errno. recvmmsg(2) */
export function receiveMessagesRaw(socket: number, headers: Address, count: number): number {
  return recvmmsg(word(socket), headers, word(count), receiveFlags, noTimeout);
}

/** Datagrams sent of the headers; -1 with an errno. sendmmsg(2) */
export function sendMessagesRaw(socket: number, headers: Address, count: number): number {
  return sendmmsg(word(socket), headers, word(count), sendFlags);
}

/** ioctl(2) for the bytes in the send queue. tcp(7), unix(7) */
export const sendQueueRequest: number = constants.SIOCOUTQ;
