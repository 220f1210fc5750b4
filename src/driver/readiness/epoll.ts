import type { DescriptorBits } from '../../base/descriptor-bits.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import {
  EpollEvents,
  epollControl,
  epollCreate,
  epollWait,
  eventDataIndex,
  eventStride,
} from '../../syscall/linux/epoll.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { constants } from '../../syscall/linux/tables.ts';
import { lookBeforeSleeping, timeLeft } from '../native/busy-poll.ts';
import type { DriverEvents, DriverSettings } from '../contract.ts';
import { interrupted } from '../native/errno-sets.ts';
import { nativeSlabPool } from '../native/native-memory.ts';
import { hangup, type Poller, readable, writable } from './poller.ts';
import { ReadinessDriver } from './readiness-driver.ts';
import { EventfdWaker } from '../waker/eventfd-waker.ts';
import type { Waker } from '../waker/waker.ts';
import { eventKind } from './event-tags.ts';

const { EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP } = constants;
const eventsPoolBytes = 65_536;

/** Level-triggered epoll(7). */
class EpollPoller implements Poller {
  readonly name = 'epoll';
  readonly controlCall = 'epoll_ctl';
  readonly waitCall = 'epoll_wait';
  readonly descriptor: number;
  readonly #pool: SlabPool;
  readonly #slab: Slab;
  readonly #events: EpollEvents;
  readonly #words: Int32Array;
  readonly #busyPollMs: number;

  constructor(busyPollMicroseconds: number) {
    this.#busyPollMs = busyPollMicroseconds / 1_000;
    this.#pool = nativeSlabPool(eventsPoolBytes);
    // First: when there is no memory for it, nothing is open yet.
    this.#slab = this.#pool.take();
    try {
      this.descriptor = epollCreate();
    } catch (error) {
      this.#pool.release(this.#slab);
      throw error;
    }
    this.#events = new EpollEvents(this.#slab);
    this.#words = this.#events.words;
  }

  add(descriptor: number, interest: number, tag: number, generation: number): number {
    return this.#control(constants.EPOLL_CTL_ADD, descriptor, interest, tag, generation);
  }

  modify(descriptor: number, interest: number, tag: number, generation: number): number {
    return this.#control(constants.EPOLL_CTL_MOD, descriptor, interest, tag, generation);
  }

  remove(descriptor: number): number {
    return this.#control(constants.EPOLL_CTL_DEL, descriptor, 0, 0, 0);
  }

  #control(op: number, descriptor: number, interest: number, tag: number, gen: number): number {
    const events = (interest & readable ? EPOLLIN : 0) | (interest & writable ? EPOLLOUT : 0);
    return epollControl(this.descriptor, op, descriptor, events, tag, gen);
  }

  wait(timeoutMs: number): number {
    if (timeoutMs === 0) return this.#look();
    if (this.#busyPollMs === 0) return this.#sleep(timeoutMs);
    const before = performance.now();
    const found = lookBeforeSleeping(this.#busyPollMs, timeoutMs, this.#look);
    if (found !== 0) return found;
    const leftMs = timeLeft(timeoutMs, performance.now() - before);
    return this.#sleep(leftMs);
  }

  /**
   * A signal ends the sleep without a look. So does the stop of the process, and what came while it was
   * stopped must be heard before time limits fire.
   */
  #sleep(timeoutMs: number): number {
    const found = epollWait(this.descriptor, this.#events, timeoutMs);
    return found === -interrupted ? this.#look() : found;
  }

  readonly #look = (): number => epollWait(this.descriptor, this.#events, 0);

  readinessAt(index: number): number {
    const events = this.#words[index * eventStride] as number;
    // EPOLLIN alone is nearly every event.
    if (events === EPOLLIN) return readable;
    let readiness = events & (EPOLLERR | EPOLLHUP) ? hangup : 0;
    if (events & EPOLLIN) readiness |= readable;
    if (events & EPOLLOUT) readiness |= writable;
    return readiness;
  }

  tagAt(index: number): number {
    return this.#words[index * eventStride + eventDataIndex] as number;
  }

  generationAt(index: number): number {
    return this.#words[index * eventStride + eventDataIndex + 1] as number;
  }

  close(bits?: DescriptorBits | null): void {
    closeDescriptor(this.descriptor, bits);
    this.#pool.release(this.#slab);
  }
}

/** @throws SyscallError EMFILE, ENFILE, ENOMEM, ENOSPC, with nothing left open. */
function openWaker(poller: EpollPoller): Waker {
  const waker = new EventfdWaker();
  const result = poller.add(waker.descriptor, readable, eventKind.wake, 0);
  if (result === 0) return waker;
  waker.close();
  throw syscallError(poller.controlCall, -result, 'watch the wake descriptor');
}

/** @throws SyscallError when the kernel refuses an epoll instance or a wake descriptor. */
export function createEpollDriver(events: DriverEvents, settings: DriverSettings): ReadinessDriver {
  const poller = new EpollPoller(settings.busyPollMicroseconds ?? 0);
  let waker: Waker | undefined;
  try {
    waker = openWaker(poller);
    return new ReadinessDriver(poller, waker, events, settings);
  } catch (error) {
    waker?.close();
    poller.close();
    throw error;
  }
}
