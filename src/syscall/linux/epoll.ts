import { type Address, foreignInterface, word } from '../../ffi/index.ts';
import { constants, layouts } from './tables.ts';
import { resultOf, syscallError } from '../last-errno.ts';
import { scratch } from '../memory.ts';

const epollCreate1Raw = foreignInterface.lookup('epoll_create1', 1);
const epollCtlRaw = foreignInterface.lookup('epoll_ctl', 4);
const epollWaitRaw = foreignInterface.lookup('epoll_wait', 4);

/** @throws SyscallError EMFILE, ENFILE, ENOMEM. epoll_create1(2) */
export function epollCreate(): number {
  const result = resultOf(epollCreate1Raw(word(constants.EPOLL_CLOEXEC)));
  if (result < 0) throw syscallError('epoll_create1', -result, 'make an epoll instance');
  return result;
}

const eventLayout = layouts.epollEvent;
const dataOffset = eventLayout.fields.data.offset;

/**
 * epoll_ctl(2): 0 or minus an errno. `low` and `high` are the two halves of the user data.
 * @param operation EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL.
 */
export function epollControl(
  epoll: number,
  operation: number,
  descriptor: number,
  events: number,
  low: number,
  high: number,
): number {
  scratch.view.setUint32(0, events, true);
  scratch.view.setInt32(dataOffset, low, true);
  scratch.view.setInt32(dataOffset + 4, high, true);
  return resultOf(epollCtlRaw(word(epoll), word(operation), word(descriptor), scratch.address));
}

/** An event in 32-bit words: its size, and where the user data begins (packed on x64 only). */
export const eventStride: number = eventLayout.size / 4;
export const eventDataIndex: number = dataOffset / 4;

/** Events per wait: enough to spread its cost, few enough to come back to the runtime soon. */
const eventsMax = 512;

/** Room for the events of one wait, in memory that somebody else owns. */
export class EpollEvents {
  readonly capacity: number;
  readonly words: Int32Array;
  readonly address: Address;

  constructor(memory: { readonly address: unknown; readonly buffer: ArrayBuffer }) {
    this.capacity = Math.min(eventsMax, Math.floor(memory.buffer.byteLength / eventLayout.size));
    this.words = new Int32Array(memory.buffer, 0, this.capacity * eventStride);
    this.address = memory.address as Address;
  }
}

/** epoll_wait(2): how many events, or minus an errno. `timeoutMs` -1 waits without a limit. */
export function epollWait(epoll: number, events: EpollEvents, timeoutMs: number): number {
  const capacity = word(events.capacity);
  return resultOf(epollWaitRaw(word(epoll), events.address, capacity, word(timeoutMs)));
}
