import { assert } from '../../base/assert.ts';
import { flushBytesMax, readAgainBytes } from '../../base/limits.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { foreignInterface } from '../../ffi/index.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import {
  acceptedPeer,
  peerName,
  pendingError,
  receiveQueueBytes,
  sendQueueBytes,
  setLingerReset,
  shutdownSocket,
} from '../../syscall/socket.ts';
import { emptyInetAddress } from '../../syscall/socket-address.ts';
import { constants } from '../../syscall/tables.ts';
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
import { DatagramEndpoints } from '../native/datagrams.ts';
import { interrupted, isLackOfMemory, isPassing, tryAgain } from '../native/errno-sets.ts';
import { GatheredSend } from '../native/gathered-send.ts';
import { KnownAddress } from '../native/known-address.ts';
import { Listeners } from './listeners.ts';
import { type BrokenStream, errorBehindEnd, streamError } from '../native/broken-stream.ts';
import { MemoryRest } from '../native/memory-rest.ts';
import { NativeDriver } from '../native/native-driver.ts';
import { ReadSlab } from '../native/read-slab.ts';
import { PassedDescriptors } from '../native/passed-descriptors.ts';
import { receiveSurely, sendSurely } from '../native/sure-calls.ts';
import { WaitFailures } from '../native/wait-failures.ts';
import { openOutgoing } from '../native/open-sockets.ts';
import { setBufferSizesOfAccepted } from '../native/socket-options.ts';
import { hangup, type Poller, readable, writable } from './poller.ts';
import { interestOf, StreamTable, streamFlag } from './stream-table.ts';
import type { Waker } from '../waker/waker.ts';
import { datagramSource } from './datagram-source.ts';
import { eventKind, kindMask, kindOf } from './event-tags.ts';

const {
  readArmed,
  writeArmed,
  readWanted,
  registered,
  ended,
  connecting,
  broken,
  wroteEarly,
  writeShut,
  takesDescriptors,
} = streamFlag;
/** A stream that is read and has nothing to write: nearly every one at nearly every event. */
const onlyReading = registered | readArmed | readWanted;
/** Read once: the global object has it behind a getter, which Node runs each time. */
const { performance } = globalThis;

/**
 * The half of a driver that epoll and kqueue share: they report readiness through `Poller`, and
 * this turns it into what `Driver` promises. Level-triggered, a bounded number of bytes per stream
 * and wait: a flood on one stream never starves another.
 */
export class ReadinessDriver extends NativeDriver implements Driver {
  readonly name: 'epoll' | 'kqueue';
  readonly counters: DriverCounters = newCounters();
  readonly #poller: Poller;
  readonly #events: DriverEvents;
  readonly #table: StreamTable;
  protected override readonly listeners: Listeners;
  protected override readonly datagrams: DatagramEndpoints;
  readonly #read: ReadSlab;
  readonly #sent = new KnownAddress();
  readonly #broken: BrokenStream[] = [];
  readonly #rest = new MemoryRest(this.counters, () => this.wake());
  /** The stream whose event of room is being handled, until it has sent something; else -1. */
  #toldOfRoom = -1;
  readonly #waitFailures = new WaitFailures();
  protected override readonly waker: Waker;
  protected override readonly ledger: DescriptorLedger | undefined;
  protected override readonly passed: PassedDescriptors;
  #closed = false;

  /** @throws SyscallError ENOMEM; then the poller and its wake descriptor are the caller's to close. */
  constructor(poller: Poller, waker: Waker, events: DriverEvents, settings: DriverSettings) {
    super();
    this.name = poller.name;
    this.waker = waker;
    this.#poller = poller;
    this.#events = events;
    this.#read = new ReadSlab(settings);
    this.ledger = settings.ledger;
    this.#table = new StreamTable(this.ledger);
    this.passed = new PassedDescriptors(this.ledger);
    this.listeners = new Listeners(poller, events, this.ledger);
    const source = datagramSource(poller);
    this.datagrams = new DatagramEndpoints(source, events, this.counters, settings, this.#rest);
    for (const own of [poller.descriptor, ...waker.held]) this.ledger?.opened(own);
  }

  // -- waiting ------------------------------------------------------------------------------------

  wait(timeoutMs: number): number {
    this.counters.waits++;
    if (this.#rest.over) this.#rest.run();
    const reported = this.#broken.length > 0 ? this.#reportBroken() : 0;
    const count = timeoutMs === 0 || reported > 0 ? this.#poller.wait(0) : this.#sleep(timeoutMs);
    if (count <= 0) return reported + this.#nothingReady(count);
    this.#waitFailures.succeeded();
    const poller = this.#poller;
    let idle = 0;
    for (let index = 0; index < count; index++) {
      const tag = poller.tagAt(index);
      const generation = poller.generationAt(index);
      const readiness = poller.readinessAt(index);
      if (readiness === 0) idle++;
      else if (tag < kindMask) this.#streamReady(tag, generation, readiness);
      else this.#otherReady(tag, generation);
    }
    this.counters.events += count - idle;
    return reported + count - idle;
  }

  #sleep(timeoutMs: number): number {
    const before = performance.now();
    const count = this.#poller.wait(timeoutMs);
    countSleep(this.counters, before, performance.now());
    return count;
  }

  /** EINTR: a signal, whose handler the runtime runs. */
  #nothingReady(result: number): 0 {
    if (result === 0) this.#waitFailures.succeeded();
    else if (result !== -interrupted) this.#waitFailures.failed(this.#poller.waitCall, -result);
    return 0;
  }

  #otherReady(tag: number, generation: number): void {
    const index = tag % kindMask;
    const kind = kindOf(tag);
    if (kind === eventKind.listener) this.listeners.ready(index, generation);
    else if (kind === eventKind.datagram) this.datagrams.ready(index, generation);
    else if (kind === eventKind.wake) this.waker.clear();
  }

  watch(descriptor: number): void {
    const result = this.#poller.add(descriptor, readable, eventKind.watched, 0);
    if (result >= 0) return;
    throw syscallError(this.#poller.controlCall, -result, `watch descriptor ${descriptor}`);
  }
  unwatch(descriptor: number): void {
    this.#poller.remove(descriptor);
  }
  get pollableDescriptor(): number {
    return this.#poller.descriptor;
  }

  // -- streams ------------------------------------------------------------------------------------

  openStream(
    slot: number,
    generation: number,
    descriptor: number,
    options: SocketOptions,
    peer?: DatagramPeer | string,
  ): void {
    this.#table.open(slot, generation, descriptor, readArmed | readWanted);
    if (peer !== undefined) this.#table.peers.setKnown(slot, peer);
    else if (descriptor === this.listeners.lastAccepted) {
      const address = emptyInetAddress();
      this.#table.peers.set(slot, address, acceptedPeer(address));
    }
    // Everything else was inherited from the listener.
    if (this.isUnix(slot)) {
      setBufferSizesOfAccepted(descriptor, options);
      this.#table.keepDescriptors(slot, options);
    }
    this.#register(slot);
  }

  acceptedPeer(_descriptor: number, into: DatagramPeer): string | null {
    return acceptedPeer(into);
  }

  connect(slot: number, generation: number, endpoint: Endpoint, options: SocketOptions): void {
    const { descriptor, errno } = openOutgoing(endpoint, options, this.ledger?.bits);
    this.#table.open(slot, generation, descriptor, writeArmed | readWanted | connecting);
    this.#table.peers.setDialled(slot, endpoint);
    if (endpoint.kind === 'unix') this.#table.keepDescriptors(slot, options);
    if (errno === 0) this.#register(slot);
    else this.#break(slot, errno);
  }

  send(slot: number, slab: Slab, offset: number, length: number): number {
    const address = this.#sent.of(slab, offset);
    return this.#afterSend(slot, sendSurely(this.#descriptor(slot), address, length), length);
  }

  sendBytes(slot: number, bytes: Uint8Array): number {
    const result = sendSurely(
      this.#descriptor(slot),
      foreignInterface.addressOf(bytes),
      bytes.length,
    );
    return this.#afterSend(slot, result, bytes.length);
  }

  sendPieces(slot: number, pieces: readonly Uint8Array[], length: number): number {
    return this.#afterSend(slot, GatheredSend.sendPieces(this.#descriptor(slot), pieces), length);
  }

  flush(slot: number, queue: OutboundQueue): boolean {
    let budget = flushBytesMax;
    const isSlow = (this.#flagsOf(slot) & writeArmed) !== 0;
    while (queue.length > 0) {
      if (budget <= 0) {
        this.#armWrite(slot);
        return false;
      }
      const result = this.passed.sendHead(this.#descriptor(slot), queue, isSlow);
      const { offered } = this.passed;
      const taken = this.#afterSend(slot, result, offered);
      if (taken > 0) queue.consume(taken);
      if (taken < offered) return false;
      this.#toldOfRoom = -1;
      budget -= taken;
    }
    const flags = this.#flagsOf(slot); // the end of connecting shows as writable, too: it stays
    if ((flags & connecting) !== 0) this.#table.flags[slot] = flags & ~wroteEarly;
    else if ((flags & writeArmed) !== 0) this.#setFlags(slot, 0, writeArmed);
    return true;
  }
  unsentBytes(slot: number): number {
    return Math.max(-1, sendQueueBytes(this.#descriptor(slot)));
  }
  handedOver(_slot: number): boolean {
    return true;
  }
  pauseReading(slot: number): void {
    // Lazily: the poller's interest changes only if something arrives while paused.
    this.#table.flags[slot] = this.#flagsOf(slot) & ~readWanted;
  }

  resumeReading(slot: number): void {
    const flags = this.#flagsOf(slot);
    if ((flags & (ended | broken)) !== 0) return;
    if ((flags & readArmed) !== 0 && (flags & registered) !== 0) {
      this.#table.flags[slot] = flags | readWanted;
    } else {
      this.#setFlags(slot, readWanted | readArmed, 0);
    }
  }

  shutdownWrite(slot: number): void {
    this.#table.flags[slot] = this.#flagsOf(slot) | writeShut;
    // ENOTCONN: reset already, which the next read reports.
    shutdownSocket(this.#descriptor(slot), constants.SHUT_WR);
  }

  closeStream(slot: number, abort: boolean): void {
    const descriptor = this.#descriptor(slot);
    if ((this.#flagsOf(slot) & registered) !== 0) this.#poller.remove(descriptor);
    this.#table.release(slot);
    this.passed.drop(slot);
    if (abort) setLingerReset(descriptor);
    closeDescriptor(descriptor, this.ledger?.bits);
  }
  unreadBytes(slot: number): number {
    return Math.max(0, receiveQueueBytes(this.#descriptor(slot)));
  }
  descriptorOf(slot: number): number {
    return this.#table.descriptors[slot] ?? -1;
  }
  override isUnix(slot: number): boolean {
    return this.#table.peers.isUnix(slot);
  }
  remoteAddress(slot: number): string {
    return this.#table.peers.text(slot) ?? peerName(this.#descriptor(slot));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rest.close();
    // In order: what the kernel took still goes out, where a program ends right after an answer.
    for (const slot of this.#table.slots()) this.closeStream(slot, false);
    this.listeners.closeAll();
    this.datagrams.closeAll();
    this.#poller.close(this.ledger?.bits);
    this.waker.close(this.ledger?.bits);
    this.#read.release();
  }

  // -- inside -------------------------------------------------------------------------------------

  #descriptor(slot: number): number {
    const descriptor = this.#table.descriptors[slot] as number;
    assert(descriptor >= 0, 'the stream is open');
    return descriptor;
  }
  #flagsOf(slot: number): number {
    return this.#table.flags[slot] as number;
  }

  #streamReady(slot: number, generation: number, readiness: number): void {
    // An earlier event of this batch may have closed the stream and opened another in its slot.
    if (this.#table.generations[slot] !== generation) return;
    const flags = this.#flagsOf(slot);
    if (readiness === readable && flags === onlyReading) {
      this.#receive(slot, generation);
      return;
    }
    if ((flags & connecting) !== 0) {
      this.#finishConnect(slot, generation);
      return;
    }
    if ((flags & writeArmed) !== 0 && (readiness & (writable | hangup)) !== 0) {
      this.#toldOfRoom = slot;
      this.#events.writable(slot, generation);
      this.#toldOfRoom = -1;
      if (this.#table.generations[slot] !== generation) return;
    }
    if ((readiness & (readable | hangup)) !== 0) this.#readOrRest(slot, generation, readiness);
  }

  #readOrRest(slot: number, generation: number, readiness: number): void {
    const flags = this.#flagsOf(slot);
    if ((flags & broken) !== 0) return;
    if ((flags & (readWanted | readArmed | ended)) === (readWanted | readArmed)) {
      this.#receive(slot, generation);
    } else if ((readiness & hangup) !== 0 && (flags & writeArmed) === 0) {
      const descriptor = this.#descriptor(slot);
      const ours = (flags & writeShut) !== 0;
      const errno = (flags & ended) === 0 ? 0 : errorBehindEnd(descriptor, ours);
      if (errno !== 0) {
        this.#break(slot, errno, 'recv');
        return;
      }
      // Hang-ups cannot be masked: out of the set, or a paused stream would spin.
      this.#poller.remove(descriptor);
      this.#table.flags[slot] = flags & ~(registered | readArmed);
    } else if ((flags & readArmed) !== 0) {
      this.#setFlags(slot, 0, readArmed);
    }
  }

  #receive(slot: number, generation: number): void {
    if (this.#receiveOnce(slot, generation)) this.#receiveMore(slot, generation);
  }

  /** What the kernel has just received is still in the core's cache: a message is cheapest in one go. */
  #receiveMore(slot: number, generation: number): void {
    const { byteLength } = this.#read;
    for (let left = readAgainBytes - byteLength; left > 0; left -= byteLength) {
      if (this.#table.generations[slot] !== generation) return;
      if (this.#flagsOf(slot) !== onlyReading || !this.#receiveOnce(slot, generation)) return;
    }
  }

  /** Whether all of the buffer was filled: more may be there. */
  #receiveOnce(slot: number, generation: number): boolean {
    const read = this.#read;
    if (read.isLent && !read.renew()) {
      this.#restFrom(slot, readArmed);
      return false;
    }
    const { slab, start, byteLength } = read;
    const descriptor = this.#descriptor(slot);
    const count =
      (this.#flagsOf(slot) & takesDescriptors) === 0
        ? receiveSurely(descriptor, read.address, byteLength)
        : this.passed.receive(descriptor, slot, read.address, byteLength);
    if (count > 0) {
      this.counters.bytesReceived += count;
      slab.floor = 0;
      this.#events.received(slot, generation, slab, start, start + count);
    } else {
      this.#receivedNothing(slot, generation, count);
    }
    return count === byteLength;
  }

  #receivedNothing(slot: number, generation: number, result: number): void {
    if (result === 0) {
      this.#table.flags[slot] = this.#flagsOf(slot) | ended;
      this.#events.ended(slot, generation);
      if (this.#table.generations[slot] !== generation) return;
      if ((this.#flagsOf(slot) & readArmed) !== 0) this.#setFlags(slot, 0, readArmed);
      return;
    }
    if (isLackOfMemory(-result)) this.#restFrom(slot, readArmed);
    else if (!isPassing(-result)) this.#break(slot, -result, 'recv'); // else the event comes again
  }

  /** There is no memory to read, or to write: neither is of interest until it has rested. */
  #restFrom(slot: number, armed: number): void {
    this.#setFlags(slot, 0, armed);
    const generation = this.#table.generations[slot];
    this.#rest.later(() => {
      if (this.#table.generations[slot] !== generation) return;
      if (armed === writeArmed) this.#armWrite(slot);
      else if ((this.#flagsOf(slot) & (readWanted | ended | broken)) === readWanted)
        this.#setFlags(slot, readArmed, 0);
    });
  }

  #afterSend(slot: number, result: number, length: number): number {
    if (result > 0) this.counters.bytesSent += result;
    if (result === length) return result;
    if (result >= 0) {
      this.#armWrite(slot);
      return result;
    }
    if (!isPassing(-result)) {
      this.#break(slot, -result);
      return -1;
    }
    // Short of memory, the system also says EAGAIN though the socket has room (tcp_sendmsg).
    const lacks = isLackOfMemory(-result) || (slot === this.#toldOfRoom && result === -tryAgain);
    if (lacks && (this.#flagsOf(slot) & connecting) === 0) this.#restFrom(slot, writeArmed);
    else this.#armWrite(slot);
    return 0;
  }

  #armWrite(slot: number): void {
    const flags = this.#flagsOf(slot);
    if ((flags & connecting) !== 0) this.#table.flags[slot] = flags | wroteEarly;
    else if ((flags & (writeArmed | broken)) === 0) this.#setFlags(slot, writeArmed, 0);
  }

  /** Sets and clears flags, and tells the poller what it reports from now on. */
  #setFlags(slot: number, set: number, clear: number): void {
    const before = this.#flagsOf(slot);
    const flags = (before & ~clear) | set;
    this.#table.flags[slot] = flags;
    if ((flags & broken) !== 0) return;
    if ((flags & registered) === 0) {
      if ((flags & (readArmed | writeArmed)) !== 0) this.#register(slot);
      return;
    }
    const interest = interestOf(flags);
    if (interest === interestOf(before)) return;
    const generation = this.#table.generations[slot] as number;
    const result = this.#poller.modify(this.#descriptor(slot), interest, slot, generation);
    if (result < 0) this.#break(slot, -result, this.#poller.controlCall); // always ENOMEM
  }

  #register(slot: number): void {
    const flags = this.#flagsOf(slot);
    const generation = this.#table.generations[slot] as number;
    const result = this.#poller.add(this.#descriptor(slot), interestOf(flags), slot, generation);
    // ENOMEM, ENOSPC (fs.epoll.max_user_watches): this stream cannot be served, others can.
    if (result < 0) this.#break(slot, -result, this.#poller.controlCall);
    else this.#table.flags[slot] = flags | registered;
  }

  #finishConnect(slot: number, generation: number): void {
    const errno = pendingError(this.#descriptor(slot));
    if (errno !== 0) {
      this.#break(slot, errno);
      return;
    }
    const early = (this.#flagsOf(slot) & wroteEarly) !== 0;
    this.#setFlags(slot, readArmed, connecting | (early ? wroteEarly : writeArmed));
    this.#events.connected(slot, generation);
  }

  /** Nothing more can be done with the stream; the loop hears of it in the next wait. */
  #break(slot: number, errno: number, call = 'send'): void {
    const flags = this.#flagsOf(slot);
    if ((flags & broken) !== 0) return;
    if ((flags & registered) !== 0) this.#poller.remove(this.#descriptor(slot));
    this.#table.flags[slot] = (flags | broken) & ~registered;
    const generation = this.#table.generations[slot] as number;
    this.#broken.push({ slot, generation, errno, call });
    // The next wait reports it, so the host that sleeps on our descriptor must wake up.
    this.wake();
  }

  #reportBroken(): number {
    let reported = 0;
    for (const one of this.#broken.splice(0)) {
      const { slot, generation } = one;
      if (this.#table.generations[slot] !== generation) continue;
      reported++;
      const dialled = (this.#flagsOf(slot) & connecting) !== 0;
      const error = streamError(one, dialled, this.#descriptor(slot), this.remoteAddress(slot));
      this.#events.failed(slot, generation, error);
    }
    return reported;
  }
}
