/** The C library of a stand-in: the functions that the native drivers look up, by the system's numbers. */
import type { Word } from '../../src/ffi/index.ts';
import { addressToLinux, giveAddress } from './addresses.ts';
import { answer, errnoFromLinux, fail, failWith } from './errno.ts';
import { int, linuxConstants, Memory, real, realLookupAddress, word } from './kernel.ts';
import { keptErrors, Kqueues } from './kqueue.ts';
import { Messages } from './messages.ts';
import { StandInNumbers } from './numbers.ts';
import type { StandInSystem, StandInTables } from './systems.ts';

type Call = (...args: Word[]) => number;

const memory = new Memory(4_096);
const lengthOffset = 0;
const nameOffset = 64;
const valueOffset = 1_024;
const optionMax = 1_024;

/** Functions that are Linux's alone: whoever looks one up has gone astray. */
export const linuxOnly: ReadonlySet<string> = new Set(
  `__errno_location accept4 epoll_create1 epoll_ctl epoll_wait eventfd pipe2 prctl recvmmsg
   sched_getaffinity sched_setaffinity sendmmsg syscall`.split(/\s+/),
);

/** The same everywhere, but for errno. */
const unchanged: Readonly<Record<string, number>> = {
  if_nametoindex: 1,
  listen: 2,
  mprotect: 3,
  munmap: 2,
  pipe: 1,
  read: 3,
  waitpid: 3,
  write: 3,
};

const keptError = (socket: Word): number => keptErrors.get(int(socket)) ?? 0;

/** so_error is told once. */
function takeError(socket: Word): number {
  const errno = keptError(socket);
  keptErrors.delete(int(socket));
  return errno;
}

function flagsOf(descriptor: Word): number {
  return real('fcntl', 3)(descriptor, word(linuxConstants.F_GETFL), word(0));
}

/** accept(2): a connection is as its listener is, close-on-exec only if it is asked for. */
function acceptCalls(
  { acceptsReset }: StandInSystem,
  numbers: StandInNumbers,
): Readonly<Record<string, Call>> {
  const accept = (flags: number, [socket = 0, name = 0, nameLength = 0]: Word[]): number => {
    memory.view.setInt32(lengthOffset, 128, true);
    const length = memory.at(lengthOffset);
    const result = real('accept4', 4)(socket, memory.at(nameOffset), length, word(flags));
    if (result < 0) return answer(result);
    if (acceptsReset && !hasPeer(word(result))) {
      memory.view.setInt32(lengthOffset, 0, true);
      memory.give(lengthOffset, nameLength, 4);
    } else {
      giveAddress(memory, lengthOffset, nameOffset, numbers, name, nameLength);
    }
    return result;
  };
  return {
    accept: (...args) => {
      const inherited = flagsOf(args[0] as Word) & linuxConstants.O_NONBLOCK;
      return accept(inherited === 0 ? 0 : linuxConstants.SOCK_NONBLOCK, args);
    },
    accept4: (...args) => accept(numbers.typeToLinux(int(args[3])), args),
  };
}

/** Its own room: the name that accept4(2) gave must stay. */
function hasPeer(socket: Word): boolean {
  memory.view.setInt32(valueOffset, 128, true);
  return real('getpeername', 3)(socket, memory.at(valueOffset + 64), memory.at(valueOffset)) >= 0;
}

function nameCalls(numbers: StandInNumbers): Readonly<Record<string, Call>> {
  const give =
    (call: string): Call =>
    (socket = 0, name = 0, nameLength = 0) => {
      memory.view.setInt32(lengthOffset, 128, true);
      const result = real(call, 3)(socket, memory.at(nameOffset), memory.at(lengthOffset));
      if (result < 0) return answer(result);
      giveAddress(memory, lengthOffset, nameOffset, numbers, name, nameLength);
      return result;
    };
  const take =
    (call: string): Call =>
    (socket = 0, name = 0, length = 0) => {
      memory.take(nameOffset, name, int(length));
      addressToLinux(memory, nameOffset, numbers);
      return answer(real(call, 3)(socket, memory.at(nameOffset), length));
    };
  return {
    bind: take('bind'),
    connect: take('connect'),
    getpeername: give('getpeername'),
    getsockname: give('getsockname'),
  };
}

/** group_req: an address behind the number of an interface. */
function groupsToLinux(tables: StandInTables, numbers: StandInNumbers, byteLength: number): number {
  const { groupReq } = tables.structs;
  const from = valueOffset + (groupReq?.fields['group']?.offset ?? 0);
  const bytes = byteLength - (from - valueOffset);
  memory.bytes.copyWithin(valueOffset + 8, from, from + bytes);
  for (let at = valueOffset + 8; at < valueOffset + 8 + bytes; at += 128) {
    addressToLinux(memory, at, numbers);
  }
  return 8 + bytes;
}

function optionCalls(
  { hasDualStack }: StandInSystem,
  tables: StandInTables,
  numbers: StandInNumbers,
): Readonly<Record<string, Call>> {
  const setsockopt: Call = (socket = 0, level = 0, option = 0, value = 0, length = 0) => {
    const found = numbers.option(int(level), int(option));
    if (found === undefined) return fail('ENOPROTOOPT');
    let bytes = Math.min(int(length), optionMax);
    memory.take(valueOffset, value, bytes);
    const isCleared = memory.view.getInt32(valueOffset, true) === 0;
    if (found.name === 'IPV6_V6ONLY' && isCleared && !hasDualStack) return fail('EINVAL');
    if (found.name.startsWith('MCAST_')) bytes = groupsToLinux(tables, numbers, bytes);
    const set = real('setsockopt', 5);
    const at = memory.at(valueOffset);
    return answer(set(socket, word(found.level), word(found.option), at, word(bytes)));
  };
  /** What Linux says of the option, as the system says it. */
  const translate = (socket: Word, name: string, value: number): number => {
    if (name === 'SO_ERROR') return takeError(socket) || (value === 0 ? 0 : errnoFromLinux(value));
    if (name === 'SO_DOMAIN') return numbers.familyFromLinux(value);
    // The flag as it is kept, not a boolean.
    if (name === 'SO_ACCEPTCONN') return value === 0 ? 0 : numbers.own('SO_ACCEPTCONN');
    return value;
  };
  const getsockopt: Call = (socket = 0, level = 0, option = 0, value = 0, length = 0) => {
    const isOwn = int(level) === numbers.own('SOL_SOCKET');
    if (isOwn && int(option) === numbers.own('SO_NWRITE')) {
      const request = word(linuxConstants.SIOCOUTQ);
      return answer(real('ioctl', 3)(socket, request, value));
    }
    const found = numbers.option(int(level), int(option));
    if (found === undefined) return fail('ENOPROTOOPT');
    memory.take(lengthOffset, length, 4);
    const at = memory.at(valueOffset);
    const get = real('getsockopt', 5);
    const result = get(socket, word(found.level), word(found.option), at, memory.at(lengthOffset));
    if (result < 0) return answer(result);
    const said = translate(socket, found.name, memory.view.getInt32(valueOffset, true));
    memory.view.setInt32(valueOffset, said, true);
    memory.give(valueOffset, value, memory.view.getInt32(lengthOffset, true));
    memory.give(lengthOffset, length, 4);
    return result;
  };
  return { getsockopt, setsockopt };
}

function descriptorCalls(
  { platform, cpu }: StandInSystem,
  { constants }: StandInTables,
  kqueues: Kqueues,
): Readonly<Record<string, Call>> {
  // Behind the registers that are for arguments: see `variadic` of the calls.
  const third = platform === 'darwin' && cpu === 'arm64' ? 8 : 2;
  const fcntl: Call = (...args) => {
    const [descriptor = 0, command] = args;
    const argument = args[third] ?? 0;
    const call = real('fcntl', 3);
    const { F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, O_NONBLOCK } = constants;
    if (int(command) === F_GETFL) {
      const flags = call(descriptor, word(linuxConstants.F_GETFL), word(0));
      if (flags < 0) return answer(flags);
      return (flags & 3) | ((flags & linuxConstants.O_NONBLOCK) === 0 ? 0 : O_NONBLOCK);
    }
    if (int(command) === F_SETFL) {
      const isSet = (int(argument) & O_NONBLOCK) !== 0;
      const flags = word(isSet ? linuxConstants.O_NONBLOCK : 0);
      return answer(call(descriptor, word(linuxConstants.F_SETFL), flags));
    }
    const isCopy = int(command) === F_DUPFD_CLOEXEC;
    const own = isCopy ? word(linuxConstants.F_DUPFD_CLOEXEC) : (command as Word);
    return answer(call(descriptor, own, argument));
  };
  const ioctl: Call = (...args) => {
    const [descriptor = 0, request] = args;
    const requests = new Map<number | undefined, number>([
      [constants.FIONREAD | 0, linuxConstants.FIONREAD],
      [constants.FIONWRITE, linuxConstants.SIOCOUTQ],
    ]);
    const own = requests.get(int(request));
    if (own === undefined) return fail('ENOTTY');
    return answer(real('ioctl', 3)(descriptor, word(own), args[third] ?? 0));
  };
  const close: Call = (descriptor = 0) => {
    kqueues.closed(int(descriptor));
    return answer(real('close', 1)(descriptor));
  };
  const dup2: Call = (from = 0, to = 0) => {
    kqueues.closed(int(to));
    return answer(real('dup2', 2)(from, to));
  };
  return { close, dup2, fcntl, ioctl };
}

function transferCalls(
  tables: StandInTables,
  numbers: StandInNumbers,
): Readonly<Record<string, Call>> {
  const messages = new Messages(tables, numbers);
  const flags = (given: Word | undefined): number => numbers.messageFlagsToLinux(int(given));
  /** An error that was seen by an event is what the next call tells. */
  const unless = (socket: Word, call: () => number): number => {
    const errno = takeError(socket);
    return errno === 0 ? call() : failWith(errno);
  };
  /** Bytes come first. */
  const behind = (socket: Word, call: () => number): number => {
    const result = call();
    const errno = result > 0 ? 0 : takeError(socket);
    return errno === 0 ? result : failWith(errno);
  };
  return {
    recvfrom: (socket = 0, address = 0, length = 0, given = 0) =>
      behind(socket, () => answer(real('recv', 4)(socket, address, length, word(flags(given))))),
    sendto: (socket = 0, address = 0, length = 0, given = 0) =>
      unless(socket, () => answer(real('send', 4)(socket, address, length, word(flags(given))))),
    recvmsg: (socket = 0, message = 0, given = 0) =>
      behind(socket, () => messages.receive(socket, message, flags(given))),
    sendmsg: (socket = 0, message = 0, given = 0) =>
      unless(socket, () => messages.send(socket, message, flags(given))),
  };
}

/** By name; what is not among them is Linux's, as are OpenSSL's functions. */
export function cLibraryOf(
  system: StandInSystem,
  tables: StandInTables,
): Readonly<Record<string, Call>> {
  const numbers = new StandInNumbers(tables);
  const kqueues = new Kqueues(system, tables);
  const socket: Call = (family, type, protocol = 0) => {
    const own = numbers.familyToLinux(int(family));
    return answer(real('socket', 3)(word(own), word(numbers.typeToLinux(int(type))), protocol));
  };
  const calls: Record<string, Call> = {
    ...nameCalls(numbers),
    ...optionCalls(system, tables, numbers),
    ...descriptorCalls(system, tables, kqueues),
    ...transferCalls(tables, numbers),
    [tables.symbols.socket]: socket,
    socketpair: (family = 0, type, protocol = 0, pair = 0) =>
      answer(real('socketpair', 4)(family, word(numbers.typeToLinux(int(type))), protocol, pair)),
    shutdown(descriptor = 0, how = 0) {
      // Of a listener it is no connection: nothing changes.
      const isListener = isListening(descriptor);
      return isListener ? fail('ENOTCONN') : answer(real('shutdown', 2)(descriptor, how));
    },
    madvise: (address = 0, length = 0) =>
      answer(real('madvise', 3)(address, length, word(linuxConstants.MADV_DONTNEED))),
    kqueue: () => kqueues.create(),
  };
  const { accept, accept4 } = acceptCalls(system, numbers);
  calls['accept'] = accept as Call;
  if (tables.constants.SOCK_CLOEXEC !== undefined) calls['accept4'] = accept4 as Call;
  for (const [name, form] of Object.entries(system.kevents)) calls[name] = kqueues.kevent(form);
  for (const [name, count] of Object.entries(unchanged)) {
    calls[name] = (...args) => answer(real(name, count)(...args));
  }
  return calls;
}

function isListening(descriptor: Word): boolean {
  memory.view.setInt32(lengthOffset, 4, true);
  const level = word(linuxConstants.SOL_SOCKET);
  const option = word(linuxConstants.SO_ACCEPTCONN);
  const get = real('getsockopt', 5);
  const result = get(descriptor, level, option, memory.at(valueOffset), memory.at(lengthOffset));
  return result === 0 && memory.view.getInt32(valueOffset, true) === 1;
}

/** mmap(2), which returns an address. */
export function mapCall({ constants }: StandInTables) {
  const mmap = realLookupAddress('mmap', 6);
  return (...args: Word[]) => {
    const flags = int(args[3]);
    const own = (flags & 3) | (flags & constants.MAP_ANON ? linuxConstants.MAP_ANON : 0);
    const [address = 0, length = 0, protection = 0, , descriptor = 0, offset = 0] = args;
    return mmap(address, length, protection, word(own), descriptor, offset);
  };
}
