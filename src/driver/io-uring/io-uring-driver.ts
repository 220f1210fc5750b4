import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { epollControl, epollCreate } from '../../syscall/linux/epoll.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { peerInto, receiveQueueBytes } from '../../syscall/socket.ts';
import { constants } from '../../syscall/linux/tables.ts';
import type {
  DatagramPeer,
  Driver,
  DriverCounters,
  DriverEvents,
  DriverSettings,
  Endpoint,
  SocketOptions,
} from '../contract.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { countSleep, newCounters } from '../counters.ts';
import { lookBeforeSleeping, timeLeft } from '../native/busy-poll.ts';
import { DatagramEndpoints } from '../native/datagrams.ts';
import { isLackOfMemory } from '../native/errno-sets.ts';
import { MemoryRest } from '../native/memory-rest.ts';
import { NativeDriver } from '../native/native-driver.ts';
import { PassedDescriptors } from '../native/passed-descriptors.ts';
import { ReceivedByCall } from './received-by-call.ts';
import { BufferRing, type BufferRingShape } from './buffer-ring.ts';
import {
  completionWords,
  flagsWord,
  generationWord,
  resultWord,
  tagWord,
} from './completion-queue.ts';
import { indexMask, kind, kindShift } from './completion-tags.ts';
import { UringListeners } from './listeners.ts';
import { longSleepMs, Operations } from './operations.ts';
import { DatagramPolls, Watches } from './polls.ts';
import { probeIoUring } from './probe.ts';
import { Ring } from './ring.ts';
import { Streams } from './streams.ts';
import { EventfdWaker } from '../waker/eventfd-waker.ts';
import type { Waker } from '../waker/waker.ts';

/** Read once: the global object has it behind a getter, which Node runs each time. */
const { performance } = globalThis;
const submissionEntries = 1_024;
/** So few answers leave at once: the next wait submits more of them together. */
const fewEvents = 4;
/** Completions handled per wait: the runtime and other loops have their turn then. */
const completionsPerWaitMax = 256;

/** Times `readBufferBytes` that one stream is read before others have their turn. */
const readsPerWaitMax = 4;

/** Receive buffers of one driver, together: enough for a turn in which every stream has something. */
const bufferBytesTotal = 4 * 1_024 * 1_024;
const incrementalBuffersMax = 64;
/** Buffers that are used once each: small ones, or short messages would waste them. */
const plainBufferBytesMax = 16_384;
const plainBuffers = 256;
/** Below this a buffer is too small to be filled bit by bit. */
const incrementalBytesMin = 4_096;

/** Closing waits so long for the kernel to let go: some `closingTries` times `closingPatienceMs`. */
const closingTries = 50;
const closingPatienceMs = 20;

const more = numbers.IORING_CQE_F_MORE;

function bufferShape(
  settings: DriverSettings,
  incremental: boolean,
  buffersMax: number,
): BufferRingShape {
  const { readBufferBytes, headroomBytes } = settings;
  if (!incremental || readBufferBytes < incrementalBytesMin) {
    const bufferBytes = Math.min(readBufferBytes, plainBufferBytesMax);
    const entries = Math.min(plainBuffers, buffersMax);
    return { entries, bufferBytes, headroomBytes, incremental: false };
  }
  const fitting = 2 ** Math.floor(Math.log2(Math.max(4, bufferBytesTotal / readBufferBytes)));
  const entries = Math.min(incrementalBuffersMax, fitting, buffersMax);
  return { entries, bufferBytes: readBufferBytes, headroomBytes, incremental: true };
}

/**
 * io_uring(7), Linux 6.1 and newer: operations are queued while events are handled, and one entry into
 * the kernel per turn submits them all and waits. `io-uring/` has a file for each part of it.
 */
export class IoUringDriver extends NativeDriver implements Driver {
  readonly name = 'io_uring';
  readonly counters: DriverCounters = newCounters();
  protected override readonly waker: Waker;
  readonly #ring: Ring;
  readonly #operations: Operations;
  readonly #buffers: BufferRing;
  readonly #streams: Streams;
  protected override readonly listeners: UringListeners;
  protected override readonly datagrams: DatagramEndpoints;
  readonly #datagramPolls: DatagramPolls;
  readonly #watches: Watches;
  protected override readonly ledger: DescriptorLedger | undefined;
  protected override readonly passed: PassedDescriptors;
  readonly #byCall: ReceivedByCall;
  readonly #busyPollMs: number;
  readonly #rest = new MemoryRest(this.counters, () => this.wake());
  /** The operation that ends a sleep after an hour is in flight. */
  #longSleep = false;
  /**
   * The last completions were sends that went well, of which nobody hears: the wait goes on. Else each
   * answer of a lone connection would cost the runtime a turn of its own.
   */
  #quiet = false;
  #closed = false;
  /** Made for those who cannot wait in this ring. */
  #pollable = -1;

  /** @param buffersMax most receive buffers, a power of two; tests have few. */
  constructor(events: DriverEvents, settings: DriverSettings, buffersMax: number = Infinity) {
    super();
    const { incremental, limited } = probeIoUring();
    const { ledger } = settings;
    const ring = new Ring(submissionEntries, ledger);
    this.#ring = ring;
    try {
      this.waker = new EventfdWaker();
    } catch (error) {
      ring.close();
      throw error;
    }
    try {
      this.#buffers = new BufferRing(ring, bufferShape(settings, incremental, buffersMax));
    } catch (error) {
      this.waker.close();
      ring.close();
      throw error;
    }
    ledger?.opened(this.wakeDescriptor);
    this.ledger = ledger;
    this.#busyPollMs = (settings.busyPollMicroseconds ?? 0) / 1_000;
    const operations = new Operations(
      ring,
      limited ? settings.readBufferBytes * readsPerWaitMax : 0,
    );
    this.#operations = operations;
    const { counters } = this;
    this.passed = new PassedDescriptors(ledger);
    this.#byCall = new ReceivedByCall(settings, this.passed, events, counters);
    this.#streams = new Streams(
      ring,
      operations,
      this.#buffers,
      events,
      counters,
      ledger,
      this.#byCall,
      this.#rest,
    );
    this.listeners = new UringListeners(ring, operations, events, ledger);
    this.#datagramPolls = new DatagramPolls(ring, operations);
    this.datagrams = new DatagramEndpoints(
      this.#datagramPolls,
      events,
      counters,
      settings,
      this.#rest,
    );
    this.#watches = new Watches(operations);
    operations.pollWake(this.wakeDescriptor);
  }

  /** How often a receive found no buffer. */
  get starvations(): number {
    return this.#streams.starved.total;
  }

  // -- waiting ------------------------------------------------------------------------------------

  wait(timeoutMs: number): number {
    const ring = this.#ring;
    const streams = this.#streams;
    this.counters.waits++;
    ring.beginWait(timeoutMs);
    if (this.#rest.over) this.#rest.run();
    let reported = streams.hasWork ? streams.reportAttended() : 0;
    if (this.listeners.due) reported += this.listeners.reportKept();
    if (this.#closed) return reported;
    this.#watches.arm();
    const mustReturn = timeoutMs === 0 || reported > 0 || streams.hasWork;
    let limitMs = mustReturn ? 0 : timeoutMs;
    do {
      if (limitMs === 0) ring.collect(0, completionsPerWaitMax);
      else limitMs = this.#sleep(limitMs);
      reported += this.#dispatch();
      if (this.#closed) return reported;
    } while (limitMs !== 0 && this.#quiet);
    streams.receiveAgain();
    if (reported <= fewEvents) ring.submit();
    ring.endWait(streams.hasWork || this.listeners.due);
    this.counters.events += reported;
    return reported;
  }

  /**
   * A wait with a limit costs a slower call than one without. The runtime's own limit is often weeks
   * away (the timer that keeps it alive): one operation an hour stands for all limits like that.
   */
  #limitOf(timeoutMs: number): number {
    if (timeoutMs <= longSleepMs) return timeoutMs; // also -1: no limit at all
    if (!this.#longSleep) {
      this.#longSleep = true;
      this.#operations.wakeFromLongSleep();
    }
    return -1;
  }

  /** Returns how long it may sleep again, 0 when the time has passed. */
  #sleep(timeoutMs: number): number {
    const before = performance.now();
    const busyMs = this.#busyPollMs;
    if (busyMs === 0 || lookBeforeSleeping(busyMs, timeoutMs, this.#look) === 0) {
      const limitMs = busyMs === 0 ? timeoutMs : timeLeft(timeoutMs, performance.now() - before);
      this.#ring.collect(this.#limitOf(limitMs), completionsPerWaitMax);
    }
    const after = performance.now();
    countSleep(this.counters, before, after);
    return timeLeft(timeoutMs, after - before);
  }

  /** In memory, until there is something to ask the kernel for. */
  readonly #look = (): number => {
    this.#ring.collect(0, completionsPerWaitMax);
    return this.#ring.completions.count;
  };

  /** Handles the list. A handler may add to it, by a call that waits for an operation to end. */
  #dispatch(): number {
    const ring = this.#ring;
    const { completions } = ring;
    const streams = this.#streams;
    let reported = 0;
    let sends = 0;
    while (ring.position < completions.count) {
      const { list } = completions;
      const at = ring.position++ * completionWords;
      const tag = list[at + tagWord] as number;
      const generation = list[at + generationWord] as number;
      const result = list[at + resultWord] as number;
      const flags = list[at + flagsWord] as number;
      if (tag <= indexMask) reported += streams.received(tag, generation, result, flags);
      else if (tag >>> kindShift === kind.send) {
        sends++;
        reported += streams.sent(tag & indexMask, generation, result);
      } else reported += this.#other(tag, generation, result, flags);
    }
    this.#quiet = sends > 0 && sends === completions.count && reported === 0 && !streams.hasWork;
    ring.position = 0;
    completions.count = 0;
    return reported + streams.reportCut();
  }

  #other(tag: number, generation: number, result: number, flags: number): number {
    const index = tag & indexMask;
    switch (tag >>> kindShift) {
      case kind.accept:
        return this.listeners.accepted(index, generation, result);
      case kind.datagram:
        return this.#datagramReady(index, generation, result);
      case kind.room:
        return this.#streams.roomChanged(index, generation, result, flags);
      case kind.hangup:
        return this.#streams.hangupChanged(index, generation, result, flags);
      case kind.connect:
        return this.#streams.connectEnded(index, generation, result);
      case kind.cancelStream:
        this.#streams.cancelAnswered(index, generation);
        return 0;
      case kind.cancelReceive:
        this.#streams.stopAnswered(index, generation, result);
        return 0;
      case kind.wake:
        this.#woken(result, flags);
        return 0;
      case kind.watched:
        this.#watchedReady(index, generation, result);
        return 0;
      case kind.sweep:
        if (!this.#closed) this.#streams.closing.sweep(result);
        return 0;
      case kind.longSleep:
        this.#longSleepEnded(result);
        return 0;
      default:
        return 0; // kind.ignored
    }
  }

  // An operation that ended for lack of memory would do so again at once: it rests.

  #watchedReady(index: number, generation: number, result: number): void {
    const watches = this.#watches;
    if (!isLackOfMemory(-result)) watches.completed(index, generation);
    else this.#rest.later(() => watches.completed(index, generation));
  }

  #longSleepEnded(result: number): void {
    if (!isLackOfMemory(-result)) this.#longSleep = false;
    else this.#rest.later(() => this.#longSleepEnded(0));
  }

  #datagramReady(index: number, generation: number, result: number): number {
    const polls = this.#datagramPolls;
    if (!polls.completed(index, generation)) return 0;
    if (isLackOfMemory(-result)) {
      this.#rest.later(() => polls.armAgain(index, generation));
      return 0;
    }
    this.datagrams.ready(index, generation);
    polls.armAgain(index, generation);
    return 1;
  }

  #woken(result: number, flags: number): void {
    if (this.#closed) return;
    this.waker.clear();
    if ((flags & more) !== 0) return;
    const operations = this.#operations;
    if (!isLackOfMemory(-result)) operations.pollWake(this.wakeDescriptor);
    else this.#rest.later(() => operations.pollWake(this.wakeDescriptor));
  }

  watch(descriptor: number): void {
    this.#watches.add(descriptor);
  }

  unwatch(descriptor: number): void {
    this.#watches.remove(descriptor);
  }

  /**
   * Of the ring's own signal and of the wake descriptor: the kernel does not signal one eventfd from
   * within the wake-up of another, so a wake by another thread would be heard late or never.
   */
  get pollableDescriptor(): number {
    if (this.#closed || this.#pollable !== -1) return this.#pollable;
    const signal = this.#ring.pollableDescriptor;
    const pollable = epollCreate();
    const { EPOLL_CTL_ADD, EPOLLIN } = constants;
    for (const descriptor of [signal, this.wakeDescriptor]) {
      const result = epollControl(pollable, EPOLL_CTL_ADD, descriptor, EPOLLIN, 0, 0);
      if (result >= 0) continue;
      // ENOMEM, ENOSPC (epoll_ctl(2)): half of it would be a loop that is never heard.
      closeDescriptor(pollable);
      throw syscallError('epoll_ctl', -result, 'watch a ring beside another loop');
    }
    this.ledger?.opened(pollable);
    this.#pollable = pollable;
    return pollable;
  }

  // -- streams ------------------------------------------------------------------------------------

  openStream(
    slot: number,
    generation: number,
    descriptor: number,
    options: SocketOptions,
    peer?: DatagramPeer | string,
  ): void {
    const known = peer ?? this.listeners.peerOf(descriptor);
    this.#streams.open(slot, generation, descriptor, options, known);
  }
  acceptedPeer(descriptor: number, into: DatagramPeer): string | null {
    const peer = this.listeners.peerOf(descriptor);
    if (peer === undefined) return peerInto(descriptor, into);
    if (typeof peer === 'string') return peer;
    Object.assign(into, peer);
    return null;
  }
  connect(slot: number, generation: number, endpoint: Endpoint, options: SocketOptions): void {
    this.#streams.connect(slot, generation, endpoint, options);
  }
  send(slot: number, slab: Slab, offset: number, length: number): number {
    return this.#streams.sending.send(this.#streams.get(slot), slab, offset, length);
  }
  sendBytes(slot: number, bytes: Uint8Array): number {
    return this.#streams.sending.sendBytes(this.#streams.get(slot), bytes);
  }
  sendPieces(slot: number, pieces: readonly Uint8Array[], length: number): number {
    return this.#streams.sending.sendPieces(this.#streams.get(slot), pieces, length);
  }
  flush(slot: number, queue: OutboundQueue): boolean {
    return this.#streams.sending.flush(this.#streams.get(slot), queue, this.passed);
  }
  refuses(slot: number): boolean {
    return this.#streams.sending.refuses(this.#streams.get(slot));
  }
  unsentBytes(slot: number): number {
    return this.#streams.get(slot).unsentBytes;
  }
  handedOver(slot: number): boolean {
    return this.#streams.sending.handedOver(this.#streams.get(slot));
  }
  pauseReading(slot: number): void {
    this.#streams.pause(slot);
  }
  resumeReading(slot: number): void {
    this.#streams.resume(slot);
  }
  shutdownWrite(slot: number): void {
    this.#streams.sending.shutdown(this.#streams.get(slot));
  }
  sendLast(slot: number, queue: OutboundQueue): void {
    this.#streams.sending.sendLast(this.#streams.get(slot), queue);
  }
  closeStream(slot: number, abort: boolean): void {
    this.#streams.close(slot, abort);
    this.passed.drop(slot);
  }
  unreadBytes(slot: number): number {
    const stream = this.#streams.get(slot);
    return stream.keptBytes + Math.max(0, receiveQueueBytes(stream.descriptor));
  }
  descriptorOf(slot: number): number {
    return this.#streams.descriptorOf(slot);
  }
  override duplicateStream(slot: number): number {
    this.#streams.get(slot).isShared = true;
    return super.duplicateStream(slot);
  }
  override isUnix(slot: number): boolean {
    return this.#streams.peers.isUnix(slot);
  }
  remoteAddress(slot: number): string {
    return this.#streams.remoteAddress(slot);
  }

  // -- the end ------------------------------------------------------------------------------------

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const ring = this.#ring;
    ring.waiting = false;
    this.#rest.close();
    this.listeners.closeAll();
    this.datagrams.closeAll();
    this.#streams.closeOpen();
    // What is closed in order ends in order: its last bytes may not even be submitted.
    this.#dispatchAll();
    this.#streams.closing.offerLast();
    this.#dispatchAll();
    this.#operations.cancelEverything();
    for (let tries = 0; ring.inFlight > 0 && tries < closingTries; tries++) {
      ring.collect(tries === 0 ? 0 : closingPatienceMs, completionsPerWaitMax);
      this.#dispatch();
    }
    // What the kernel still holds then, it holds for ever: its memory is never used again.
    const abandoned = ring.inFlight > 0;
    this.#streams.closing.finishAll();
    this.#byCall.release();
    this.#buffers.close(abandoned);
    ring.close();
    for (const own of [this.#pollable, this.wakeDescriptor]) {
      if (own !== -1) closeDescriptor(own, this.ledger?.bits);
    }
    this.#pollable = -1;
  }

  /** Until no operation ends any more. Each makes way for few others: a send, a cancellation. */
  #dispatchAll(): void {
    const ring = this.#ring;
    const { completions } = ring;
    for (let rounds = 1 + ring.inFlight * 4; rounds > 0; rounds--) {
      const before = completions.ended;
      ring.collect(0, completionsPerWaitMax);
      this.#dispatch();
      if (completions.ended === before) return;
    }
  }
}

/**
 * @throws ErrUnsupportedPlatform when io_uring does not work here, and why.
 * @throws SyscallError when the kernel refuses a wake descriptor.
 */
export function createIoUringDriver(events: DriverEvents, settings: DriverSettings): IoUringDriver {
  return new IoUringDriver(events, settings);
}
