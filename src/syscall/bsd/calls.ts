import { foreignInterface, type ForeignFunction, word } from '../../ffi/index.ts';
import { requireBsd } from '../../platform/index.ts';
import type { SystemCalls } from '../system-contract.ts';

/** Undefined where the C library does not have it. */
function lookupIfThere(name: string, argumentCount: number): ForeignFunction | undefined {
  try {
    return foreignInterface.lookup(name, argumentCount);
  } catch {
    return undefined;
  }
}

const zero = word(0);

/**
 * fcntl(2) and ioctl(2) take their third argument as a variadic function does: on arm64, macOS alone
 * passes that on the stack, behind the eight registers for arguments.
 */
function variadic(name: string): (descriptor: number, second: number, third: Word) => number {
  if (process.platform !== 'darwin' || process.arch !== 'arm64') {
    const plain = foreignInterface.lookup(name, 3);
    return (descriptor, second, third) => plain(word(descriptor), word(second), third);
  }
  const stacked = foreignInterface.lookup(name, 9);
  return (descriptor, second, third) =>
    stacked(word(descriptor), word(second), zero, zero, zero, zero, zero, zero, third);
}

type Word = ReturnType<typeof word>;

/**
 * FreeBSD has an option of its own for it, and DragonFly's SO_REUSEPORT does it. On the others several
 * sockets may have one address, but only one of them gets what comes (docs/decisions/0045).
 */
function spreadingOptionOf(constants: ReturnType<typeof requireBsd>['constants']) {
  if (constants.SO_REUSEPORT_LB !== undefined) return constants.SO_REUSEPORT_LB;
  return (process.platform as string) === 'dragonfly' ? constants.SO_REUSEPORT : undefined;
}

/** Calls of macOS and the BSDs; what one of them lacks is put together of others. */
export function bsdCalls(): SystemCalls {
  const { constants, layouts, symbols } = requireBsd();
  const accept4 = lookupIfThere('accept4', 4);
  const accept = foreignInterface.lookup('accept', 3);
  const recvfrom = foreignInterface.lookup('recvfrom', 6);
  const sendto = foreignInterface.lookup('sendto', 6);
  const recvmsg = foreignInterface.lookup('recvmsg', 3);
  const sendmsg = foreignInterface.lookup('sendmsg', 3);
  const fcntl = variadic('fcntl');
  const ioctl = variadic('ioctl');
  const closeOnExec = word(constants.FD_CLOEXEC);
  const acceptFlags = word((constants.SOCK_NONBLOCK ?? 0) | (constants.SOCK_CLOEXEC ?? 0));
  const receiveFlags = word(constants.MSG_DONTWAIT);
  // Runtimes ignore SIGPIPE; older macOS has no flag against it.
  const noSignal = process.platform === 'darwin' ? 0 : constants.MSG_NOSIGNAL;
  const sendFlags = word(noSignal | constants.MSG_DONTWAIT);
  const receiveMessageFlags = word(constants.MSG_DONTWAIT | (constants.MSG_CMSG_CLOEXEC ?? 0));
  const batchHeader = { size: layouts.msghdr.size + 8, lengthOffset: layouts.msghdr.size };
  /** A connection has O_NONBLOCK of its listener here. */
  const acceptInTwo = (listener: number, name: Word, nameLength: Word): number => {
    const descriptor = accept(word(listener), name, nameLength);
    if (descriptor >= 0) fcntl(descriptor, constants.F_SETFD, closeOnExec);
    return descriptor;
  };
  const hasFlags = accept4 !== undefined && constants.SOCK_CLOEXEC !== undefined;
  return {
    acceptRaw: hasFlags
      ? (listener, name, nameLength) => accept4(word(listener), name, nameLength, acceptFlags)
      : acceptInTwo,
    receiveRaw: (socket, address, length) =>
      recvfrom(word(socket), address, word(length), receiveFlags, zero, zero),
    sendRaw: (socket, address, length) =>
      sendto(word(socket), address, word(length), sendFlags, zero, zero),
    receiveMessageRaw: (socket, message) => recvmsg(word(socket), message, receiveMessageFlags),
    sendMessageRaw: (socket, message) => sendmsg(word(socket), message, sendFlags),
    receiveMessagesRaw(socket, headers, count, view) {
      for (let index = 0; index < count; index++) {
        const at = index * batchHeader.size;
        const bytes = recvmsg(word(socket), foreignInterface.addressAt(headers, at), receiveFlags);
        if (bytes < 0) return index === 0 ? bytes : index;
        view.setUint32(at + batchHeader.lengthOffset, bytes, true);
      }
      return count;
    },
    sendMessagesRaw(socket, headers, count) {
      for (let index = 0; index < count; index++) {
        const message = foreignInterface.addressAt(headers, index * batchHeader.size);
        const bytes = sendmsg(word(socket), message, sendFlags);
        if (bytes < 0) return index === 0 ? bytes : index;
      }
      return count;
    },
    fcntlRaw: (descriptor, command, argument) => fcntl(descriptor, command, word(argument)),
    ioctlRaw: ioctl,
    sendQueueRequest: constants.FIONWRITE,
    batchHeader,
    socketName: symbols.socket,
    spreadingOption: spreadingOptionOf(constants),
    discardAdvice: constants.MADV_FREE,
    schedulingRaw: undefined,
  };
}
