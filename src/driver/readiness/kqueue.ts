import type { DescriptorBits } from '../../base/descriptor-bits.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import { requireBsd } from '../../platform/index.ts';
import {
  addChange,
  applyChanges,
  eventShorts,
  eventWords,
  fflagsWord,
  filterShort,
  filters,
  flagsShort,
  hasUserEvents,
  identWord,
  KqueueEvents,
  kqueueCreate,
  kqueueWait,
  udataWord,
} from '../../syscall/bsd/kqueue.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import type { DriverEvents, DriverSettings } from '../contract.ts';
import { lookBeforeSleeping, timeLeft } from '../native/busy-poll.ts';
import { interrupted } from '../native/errno-sets.ts';
import { nativeSlabPool } from '../native/native-memory.ts';
import { PipeWaker } from '../waker/pipe-waker.ts';
import { UserEventWaker } from '../waker/user-event-waker.ts';
import type { Waker } from '../waker/waker.ts';
import { eventKind } from './event-tags.ts';
import { hangup, type Poller, readable, writable } from './poller.ts';
import { ReadinessDriver } from './readiness-driver.ts';

const { EV_ADD, EV_CLEAR, EV_DELETE, EV_EOF, NOTE_LOWAT } = requireBsd().constants;
const eventsPoolBytes = 65_536;

/** What is registered of a descriptor: how it is read, and whether it is written. */
const reading = 1;
const writing = 2;
/** Only errors are of interest. */
const errorsOnly = 4;
const readModes = reading | errorsOnly;

/** More than a socket can hold: what arrives is no reason to report. */
const neverEnough = 2 ** 30;

/** EV_EOF is the sign bit of what an Int16Array gives. */
const isEnd = (flags: number): boolean => (flags & EV_EOF) !== 0;

/**
 * Level-triggered kqueue(2): reading and writing are filters of their own, each with events of its own.
 *
 * An end is only what a read of 0 says: EV_EOF comes ahead of bytes that were not read. Errors are in
 * `fflags`. Hang-ups are not reported by themselves, as epoll does: a descriptor of which nothing is
 * wanted has a reading filter that no amount of bytes satisfies, which tells of an error, once.
 */
class KqueuePoller implements Poller {
  readonly name = 'kqueue';
  readonly controlCall = 'kevent';
  readonly waitCall = 'kevent';
  readonly descriptor: number;
  readonly #pool: SlabPool;
  readonly #slab: Slab;
  readonly #events: KqueueEvents;
  readonly #shorts: Int16Array;
  readonly #words: Int32Array;
  readonly #busyPollMs: number;
  /** By descriptor. */
  #registered: Uint8Array = new Uint8Array(64);

  constructor(busyPollMicroseconds: number) {
    this.#busyPollMs = busyPollMicroseconds / 1_000;
    this.#pool = nativeSlabPool(eventsPoolBytes);
    // First: when there is no memory for it, nothing is open yet.
    this.#slab = this.#pool.take();
    try {
      this.descriptor = kqueueCreate();
    } catch (error) {
      this.#pool.release(this.#slab);
      throw error;
    }
    this.#events = new KqueueEvents(this.#slab);
    this.#shorts = this.#events.shorts;
    this.#words = this.#events.words;
  }

  add(descriptor: number, interest: number, tag: number, generation: number): number {
    this.#makeRoom(descriptor);
    // What an earlier descriptor of that number had went with its close.
    this.#registered[descriptor] = 0;
    return this.modify(descriptor, interest, tag, generation);
  }

  #makeRoom(descriptor: number): void {
    let length = this.#registered.length;
    if (descriptor < length) return;
    while (descriptor >= length) length *= 2;
    const grown = new Uint8Array(length);
    grown.set(this.#registered);
    this.#registered = grown;
  }

  modify(descriptor: number, interest: number, tag: number, generation: number): number {
    const wanted = interest === 0 ? errorsOnly : interest & (reading | writing);
    return this.#become(descriptor, wanted, tag, generation);
  }

  remove(descriptor: number): number {
    return this.#become(descriptor, 0, 0, 0);
  }

  #become(descriptor: number, wanted: number, tag: number, generation: number): number {
    const before = this.#registered[descriptor] as number;
    const changed = before ^ wanted;
    if (changed === 0) return 0;
    if ((changed & readModes) !== 0) {
      // Not in place: whether a filter is cleared when it was reported is kept as it was made.
      if ((before & readModes) !== 0) addChange(descriptor, filters.read, EV_DELETE);
      if ((wanted & reading) !== 0) addChange(descriptor, filters.read, EV_ADD, tag, generation);
      else if ((wanted & errorsOnly) !== 0) {
        const flags = EV_ADD | EV_CLEAR;
        addChange(descriptor, filters.read, flags, tag, generation, NOTE_LOWAT, neverEnough);
      }
    }
    if ((changed & writing) !== 0) {
      const flags = (wanted & writing) !== 0 ? EV_ADD : EV_DELETE;
      addChange(descriptor, filters.write, flags, tag, generation);
    }
    const result = applyChanges(this.descriptor);
    if (result === 0 || wanted === 0) this.#registered[descriptor] = wanted;
    return result;
  }

  wait(timeoutMs: number): number {
    if (timeoutMs === 0) return this.#look();
    if (this.#busyPollMs === 0) return this.#sleep(timeoutMs);
    const before = performance.now();
    const found = lookBeforeSleeping(this.#busyPollMs, timeoutMs, this.#look);
    if (found !== 0) return found;
    return this.#sleep(timeLeft(timeoutMs, performance.now() - before));
  }

  /** As of epoll: a signal ends the sleep without a look. */
  #sleep(timeoutMs: number): number {
    const found = kqueueWait(this.descriptor, this.#events, timeoutMs);
    return found === -interrupted ? this.#look() : found;
  }

  readonly #look = (): number => kqueueWait(this.descriptor, this.#events, 0);

  readinessAt(index: number): number {
    const at = index * eventShorts;
    const filter = this.#shorts[at + filterShort] as number;
    const flags = this.#shorts[at + flagsShort] as number;
    if (filter === filters.write) return isEnd(flags) ? writable | this.#errorAt(index) : writable;
    if (!isEnd(flags)) return readable;
    const descriptor = this.#words[index * eventWords + identWord] as number;
    const isWanted = ((this.#registered[descriptor] as number) & errorsOnly) === 0;
    return isWanted ? readable | this.#errorAt(index) : this.#errorAt(index);
  }

  #errorAt(index: number): number {
    return this.#words[index * eventWords + fflagsWord] === 0 ? 0 : hangup;
  }

  tagAt(index: number): number {
    return this.#words[index * eventWords + udataWord] as number;
  }

  generationAt(index: number): number {
    return this.#words[index * eventWords + udataWord + 1] as number;
  }

  close(bits?: DescriptorBits | null): void {
    closeDescriptor(this.descriptor, bits);
    this.#pool.release(this.#slab);
  }
}

/** @throws SyscallError EMFILE, ENFILE, ENOMEM, with nothing left open. */
function openWaker(poller: KqueuePoller): Waker {
  if (hasUserEvents) return new UserEventWaker(poller.descriptor, eventKind.wake);
  const waker = new PipeWaker();
  const result = poller.add(waker.watched, readable, eventKind.wake, 0);
  if (result === 0) return waker;
  waker.close();
  throw syscallError(poller.controlCall, -result, 'watch the wake pipe');
}

/** @throws SyscallError when the kernel refuses a kqueue or what wakes it. */
export function createKqueueDriver(
  events: DriverEvents,
  settings: DriverSettings,
): ReadinessDriver {
  const poller = new KqueuePoller(settings.busyPollMicroseconds ?? 0);
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
