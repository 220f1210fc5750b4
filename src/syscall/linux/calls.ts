import { foreignInterface, word } from '../../ffi/index.ts';
import { requireLinux } from '../../platform/index.ts';
import type { SystemCalls } from '../system-contract.ts';

/**
 * accept4(2), recvmmsg(2) and sendmmsg(2), which only Linux has all three, SIOCOUTQ, and sched_getattr(2)
 * and sched_setattr(2), which are not in every C library.
 *
 * recv and send go through syscall(2): in a process with threads the C library's own are
 * cancellation points, with two atomic operations around each call (2 % of an echo's CPU). The
 * kernel's recvfrom and sendto have a seventh argument here, the length of an address: it is not
 * looked at without an address, and six words are what is called without a slow wrapper.
 */
export function linuxCalls(): SystemCalls {
  const { constants, layouts, syscallNumbers } = requireLinux();
  const accept4 = foreignInterface.lookup('accept4', 4);
  const recvmmsg = foreignInterface.lookup('recvmmsg', 5);
  const sendmmsg = foreignInterface.lookup('sendmmsg', 4);
  const fcntl = foreignInterface.lookup('fcntl', 3);
  const ioctl = foreignInterface.lookup('ioctl', 3);
  const syscall = foreignInterface.lookup('syscall', 6);
  const zero = word(0);
  const receiveNumber = word(syscallNumbers.recvfrom);
  const sendNumber = word(syscallNumbers.sendto);
  const receiveMessageNumber = word(syscallNumbers.recvmsg);
  const sendMessageNumber = word(syscallNumbers.sendmsg);
  const scheduling = layouts.schedAttr;
  const readSchedulingNumber = word(syscallNumbers.sched_getattr);
  const writeSchedulingNumber = word(syscallNumbers.sched_setattr);
  const acceptFlags = word(constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC);
  // Whatever O_NONBLOCK says, which a duplicate in another process may have cleared.
  const receiveFlags = word(constants.MSG_DONTWAIT);
  const sendFlags = word(constants.MSG_NOSIGNAL | constants.MSG_DONTWAIT);
  /** Nothing that is received may reach a process that the program starts. */
  const receiveMessageFlags = word(constants.MSG_DONTWAIT | constants.MSG_CMSG_CLOEXEC);
  return {
    acceptRaw: (listener, name, nameLength) =>
      accept4(word(listener), name, nameLength, acceptFlags),
    receiveRaw: (socket, address, length) =>
      syscall(receiveNumber, word(socket), address, word(length), receiveFlags, zero),
    sendRaw: (socket, address, length) =>
      syscall(sendNumber, word(socket), address, word(length), sendFlags, zero),
    receiveMessageRaw: (socket, message) =>
      syscall(receiveMessageNumber, word(socket), message, receiveMessageFlags, zero, zero),
    sendMessageRaw: (socket, message) =>
      syscall(sendMessageNumber, word(socket), message, sendFlags, zero, zero),
    receiveMessagesRaw: (socket, headers, count) =>
      recvmmsg(word(socket), headers, word(count), receiveFlags, zero),
    sendMessagesRaw: (socket, headers, count) =>
      sendmmsg(word(socket), headers, word(count), sendFlags),
    fcntlRaw: (descriptor, command, argument) =>
      fcntl(word(descriptor), word(command), word(argument)),
    ioctlRaw: (descriptor, request, argument) => ioctl(word(descriptor), word(request), argument),
    sendQueueRequest: constants.SIOCOUTQ,
    batchHeader: {
      size: layouts.mmsghdr.size,
      lengthOffset: layouts.mmsghdr.fields.msg_len.offset,
    },
    socketName: 'socket',
    spreadingOption: constants.SO_REUSEPORT,
    discardAdvice: constants.MADV_DONTNEED,
    schedulingRaw: {
      read: (thread, into) =>
        syscall(readSchedulingNumber, word(thread), into, word(scheduling.size), zero, zero),
      write: (thread, from) => syscall(writeSchedulingNumber, word(thread), from, zero, zero, zero),
      byteLength: scheduling.size,
      policyOffset: scheduling.fields.policy.offset,
      runtimeOffset: scheduling.fields.runtime.offset,
    },
  };
}
