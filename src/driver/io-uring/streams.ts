import { assert } from '../../base/assert.ts';
import { Fifo } from '../../base/fifo.ts';
import { formatUnix } from '../../base/unix-address.ts';
import { errnoNumber } from '../../platform/index.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { pendingError, peerInto, peerName } from '../../syscall/socket.ts';
import { emptyInetAddress, inetAddress } from '../../syscall/socket-address.ts';
import { constants } from '../../syscall/tables.ts';
import { errorBehindEnd, streamError } from '../native/broken-stream.ts';
import type {
  DatagramPeer,
  DescriptorLedger,
  DriverCounters,
  DriverEvents,
  Endpoint,
  SocketOptions,
} from '../contract.ts';
import { brokenPipe, interrupted, noBuffers, noMemory, tryAgain } from '../native/errno-sets.ts';
import { openOutgoing, setBufferSizesOfAccepted } from '../native/native-sockets.ts';
import { PeerTable } from '../native/peer-table.ts';
import type { BufferRing } from './buffer-ring.ts';
import { ClosingStreams } from './closing.ts';
import { Delivery, type DeliveryHost } from './delivery.ts';
import { kind, tagOf } from './kinds.ts';
import type { Operations } from './operations.ts';
import type { Ring } from './ring.ts';
import { Sending, type SendingHost } from './sending.ts';
import { Stream, streamFlag } from './stream.ts';

const {
  wanted,
  receiving,
  stopping,
  sending,
  connecting,
  cancelling,
  awaited,
  polling,
  full,
  writableDue,
  endReceived,
  ended,
  broken,
  failureDue,
  closing,
  listed,
  starved,
  joining,
  joiningLate,
  unsendable,
  hangupDue,
  hangupPolled,
  writeShut,
} = streamFlag;

const more = numbers.IORING_CQE_F_MORE;
const hangupEvents = constants.POLLERR | constants.POLLHUP;
const roomEvents = constants.POLLOUT | hangupEvents;
const hasBuffer = numbers.IORING_CQE_F_BUFFER;
const canceled = errnoNumber('ECANCELED') as number;

/**
 * Streams over the ring: a multishot receive into the buffer ring for each, until the loop pauses
 * it. A pause is lazy: the receive is cancelled when something arrives for a paused stream, and what
 * arrives until the cancellation takes effect is kept for the resume. So a handler that waits for a
 * promise between two requests costs no operation.
 */
export class Streams implements SendingHost, DeliveryHost {
  readonly #ring: Ring;
  readonly #operations: Operations;
  readonly #buffers: BufferRing;
  readonly #events: DriverEvents;
  readonly #peers = new PeerTable();
  readonly #ledger: DescriptorLedger | undefined;
  readonly #open: (Stream | null)[] = [];
  readonly #closing: ClosingStreams;
  readonly sending: Sending;
  /** Streams the next wait looks after. */
  #attended: Stream[] = [];
  /** Streams whose receive found no buffer, in the order in which they get one. */
  readonly #starved = new Fifo<Stream>();
  /** How often that was. */
  starvations = 0;
  readonly #delivery: Delivery;

  constructor(
    ring: Ring,
    operations: Operations,
    buffers: BufferRing,
    events: DriverEvents,
    counters: DriverCounters,
    ledger: DescriptorLedger | undefined,
  ) {
    this.#ring = ring;
    this.#operations = operations;
    this.#buffers = buffers;
    this.#events = events;
    this.#closing = new ClosingStreams(operations, ledger);
    this.#ledger = ledger;
    this.#delivery = new Delivery(operations, buffers, events, counters, this);
    this.sending = new Sending(operations, buffers, counters, this);
  }

  // -- opening and closing --------------------------------------------------------------------------

  open(
    slot: number,
    generation: number,
    descriptor: number,
    options: SocketOptions,
    peer: DatagramPeer | string | undefined,
  ): void {
    const stream = this.#add(new Stream(slot, generation, descriptor, wanted));
    if (peer === undefined) this.#rememberPeer(slot, descriptor);
    else this.#peers.setKnown(slot, peer);
    // Everything else was inherited from the listener.
    if (this.#peers.isUnix(slot)) setBufferSizesOfAccepted(descriptor, options);
    this.#receive(stream);
  }

  #rememberPeer(slot: number, descriptor: number): void {
    // Now, while it has one: a reset connection has no peer to ask for, and `onClosed` names it.
    const address = emptyInetAddress();
    const name = peerInto(descriptor, address);
    if (name !== null || address.family !== 0) this.#peers.set(slot, address, name);
  }

  connect(slot: number, generation: number, endpoint: Endpoint, options: SocketOptions): void {
    const { descriptor, errno } = openOutgoing(endpoint, options);
    const stream = this.#add(new Stream(slot, generation, descriptor, wanted | connecting));
    // A connection that fails has no peer to ask for.
    if (endpoint.kind === 'unix')
      this.#peers.set(slot, emptyInetAddress(), formatUnix(endpoint.path));
    else this.#peers.set(slot, inetAddress(endpoint.family, endpoint.host, endpoint.port), null);
    if (errno !== 0) {
      this.breakLater(stream, errno);
      return;
    }
    const tag = tagOf(kind.connect, slot);
    this.#operations.poll(descriptor, constants.POLLOUT, tag, generation);
  }

  #add(stream: Stream): Stream {
    const { slot } = stream;
    assert((this.#open[slot] ?? null) === null, 'a slot holds one stream');
    while (this.#open.length <= slot) this.#open.push(null);
    this.#open[slot] = stream;
    this.#ledger?.opened(stream.descriptor);
    return stream;
  }

  get(slot: number): Stream {
    const stream = this.#open[slot] ?? null;
    assert(stream !== null, 'the stream is open');
    return stream;
  }

  descriptorOf(slot: number): number {
    return this.#open[slot]?.descriptor ?? -1;
  }

  remoteAddress(slot: number): string {
    return this.#peers.text(slot) ?? peerName(this.get(slot).descriptor);
  }

  close(slot: number, abort: boolean): void {
    const stream = this.get(slot);
    this.#open[slot] = null;
    this.#peers.forget(slot);
    // A connection that was refused has no poll in flight.
    if ((stream.flags & (connecting | broken)) === (connecting | broken)) {
      stream.flags &= ~connecting;
    }
    this.#closing.begin(stream, abort);
  }

  /**
   * In order: what the kernel took still goes out, where a program ends right after an answer. Nothing
   * is reported any more.
   */
  closeOpen(): void {
    for (const stream of this.#open) if (stream !== null) this.close(stream.slot, false);
    this.#attended = [];
    while (this.#starved.length > 0) this.#starved.shift();
  }

  /** Those whose last bytes the kernel has not taken are reset. */
  abortClosing(): void {
    this.#closing.abortAll();
  }

  /** After the last completion, or when the kernel does not let go. */
  finishAll(): void {
    this.#closing.finishAll();
  }

  /** Everything in flight belongs to a stream that is open or closing. */
  #find(slot: number, generation: number): Stream {
    const open = this.#open[slot];
    if (open !== null && open !== undefined && open.generation === generation) return open;
    const stream = this.#closing.find(slot, generation);
    assert(stream !== undefined, 'a completion belongs to a stream');
    return stream;
  }

  // -- receiving ------------------------------------------------------------------------------------

  #receive(stream: Stream): void {
    stream.flags |= receiving;
    this.#operations.receive(stream.descriptor, stream.slot, stream.generation);
  }

  /** A completion of a receive. Returns how many events were reported. */
  received(slot: number, generation: number, result: number, flags: number): number {
    const stream = this.#find(slot, generation);
    const count = Math.max(result, 0);
    let reported = 0;
    const { cut } = this.#delivery;
    if (cut !== null && (cut !== stream || count === 0)) reported += this.#delivery.reportCut();
    if ((flags & more) === 0) stream.flags &= ~(receiving | stopping);
    if ((flags & hasBuffer) !== 0) {
      this.#buffers.begin(flags, count);
      if (count > 0) reported += this.#delivery.arrived(stream, flags, count);
      this.#buffers.end(flags);
    }
    if (result <= 0) reported += this.#arrivedNothing(stream, -result);
    if ((stream.flags & receiving) === 0) this.#receiveEnded(stream);
    return reported;
  }

  #arrivedNothing(stream: Stream, errno: number): number {
    if ((stream.flags & (closing | broken)) !== 0) {
      // A send that failed before says EPIPE only; this is what happened.
      if (errno !== 0 && errno !== canceled && stream.errno === brokenPipe) stream.errno = errno;
      return 0;
    }
    if (errno === 0) {
      stream.flags |= endReceived;
      return (stream.flags & wanted) !== 0 && stream.kept === null ? this.#reportEnd(stream) : 0;
    }
    // ECANCELED: paused. ENOBUFS: no buffer, or no memory for the system. EAGAIN, EINTR, ENOMEM: not
    // now. None of them is about the stream.
    if (errno === canceled || errno === tryAgain || errno === interrupted) return 0;
    if (errno === noBuffers || errno === noMemory) {
      this.starvations++;
      stream.flags |= starved;
      this.#starved.push(stream);
      return 0;
    }
    stream.errno = errno;
    stream.flags |= broken;
    if (stream.kept === null) return this.#reportFailure(stream);
    stream.flags |= failureDue;
    if ((stream.flags & (awaited | sending)) !== 0) this.triedBroken(stream);
    return 0;
  }

  #receiveEnded(stream: Stream): void {
    const { flags } = stream;
    if ((flags & closing) !== 0) {
      this.#closing.step(stream);
      return;
    }
    const over = endReceived | broken | connecting | starved;
    if ((flags & (over | wanted)) !== wanted) return;
    if (stream.kept === null || (flags & joining) !== 0) this.#receive(stream);
  }

  /**
   * Buffers are back: as many streams as there are buffers try again. If all did, most would find
   * none again, once for each buffer that the others got.
   */
  receiveAgain(): void {
    this.#buffers.renewMissing();
    let left = this.#buffers.count;
    while (left > 0) {
      const stream = this.#starved.shift();
      if (stream === undefined) return;
      stream.flags &= ~starved;
      if ((stream.flags & (receiving | closing)) !== 0) continue;
      this.#receiveEnded(stream);
      if ((stream.flags & receiving) !== 0) left--;
    }
  }

  pause(slot: number): void {
    const stream = this.get(slot);
    stream.flags &= ~wanted;
  }

  resume(slot: number): void {
    const stream = this.get(slot);
    if ((stream.flags & (ended | wanted)) !== 0) return;
    stream.flags |= wanted;
    const { flags } = stream;
    if (stream.kept !== null || (flags & (endReceived | failureDue)) !== 0) this.attend(stream);
    else if ((flags & receiving) === 0) this.#receiveEnded(stream);
  }

  // -- what the next wait reports ---------------------------------------------------------------------

  attend(stream: Stream): void {
    if ((stream.flags & listed) !== 0) return;
    stream.flags |= listed;
    this.#attended.push(stream);
    if (!this.#ring.waiting) this.#ring.signal();
  }

  breakLater(stream: Stream, errno: number): void {
    if ((stream.flags & broken) !== 0) return;
    stream.errno = errno;
    stream.flags |= broken | failureDue | unsendable;
    this.attend(stream);
  }

  /** The loop waits to send, which only the failure can end: bytes that are kept do not hold it up. */
  triedBroken(stream: Stream): void {
    if ((stream.flags & failureDue) === 0) return;
    stream.flags |= unsendable;
    this.attend(stream);
  }

  /** See `Delivery.reportCut`. */
  reportCut(): number {
    return this.#delivery.reportCut();
  }

  /** Something is left to do for the next wait, which must not sleep. */
  get hasWork(): boolean {
    return this.#attended.length > 0 || this.#starved.length > 0;
  }

  get attendedCount(): number {
    return this.#attended.length;
  }

  /** Looks after those on the list. Returns how many events were reported. */
  reportAttended(): number {
    const list = this.#attended;
    this.#attended = [];
    let reported = 0;
    for (const stream of list) {
      stream.flags &= ~listed;
      reported += this.#report(stream);
    }
    return reported;
  }

  #report(stream: Stream): number {
    if ((stream.flags & (joining | joiningLate)) === joining) {
      stream.flags |= joiningLate;
      this.attend(stream);
      return 0;
    }
    stream.flags &= ~(joining | joiningLate);
    let reported = this.#delivery.reportKept(stream);
    if ((stream.flags & closing) !== 0) return reported;
    if ((stream.flags & failureDue) !== 0) {
      const held = stream.kept !== null && (stream.flags & unsendable) === 0;
      return held ? reported : reported + this.#reportFailure(stream);
    }
    if ((stream.flags & (hangupDue | broken)) === hangupDue) this.#pollHangup(stream);
    if ((stream.flags & wanted) !== 0 && stream.kept === null) {
      if ((stream.flags & (endReceived | ended)) === endReceived)
        reported += this.#reportEnd(stream);
      else if ((stream.flags & receiving) === 0) this.#receiveEnded(stream);
    }
    if ((stream.flags & (writableDue | closing)) === writableDue) {
      stream.flags &= ~writableDue;
      reported += this.#reportWritable(stream);
    }
    return reported;
  }

  #reportEnd(stream: Stream): number {
    stream.flags |= ended;
    this.#events.ended(stream.slot, stream.generation);
    // Nearly every stream is closed by then.
    if ((stream.flags & closing) === 0) {
      stream.flags |= hangupDue;
      this.attend(stream);
    }
    return 1;
  }

  /** No receive is in flight any more: a peer that resets behind its end would not be heard. */
  #pollHangup(stream: Stream): void {
    const { descriptor, slot, generation } = stream;
    stream.flags = (stream.flags & ~hangupDue) | hangupPolled;
    this.#operations.pollChanges(descriptor, 0, tagOf(kind.hangup, slot), generation);
  }

  #reportWritable(stream: Stream): number {
    stream.flags &= ~awaited;
    this.#events.writable(stream.slot, stream.generation);
    return 1;
  }

  #reportFailure(stream: Stream): number {
    stream.flags &= ~failureDue;
    const { slot, generation, descriptor } = stream;
    const address = this.remoteAddress(slot);
    const failed = (stream.flags & connecting) !== 0;
    this.#events.failed(slot, generation, streamError(stream.errno, failed, descriptor, address));
    return 1;
  }

  // -- other completions ------------------------------------------------------------------------------

  /** A send has ended. */
  sent(slot: number, generation: number, result: number): number {
    const stream = this.#find(slot, generation);
    return this.#afterSend(stream, this.sending.completed(stream, result));
  }

  /** The poll for room tells of a change. */
  roomChanged(slot: number, generation: number, result: number, flags: number): number {
    const stream = this.#find(slot, generation);
    if ((flags & more) === 0) stream.flags &= ~polling;
    // A peer that has ended its side is a change, too, and no room.
    const none = result >= 0 && (result & roomEvents) === 0;
    if ((stream.flags & full) === 0 || (none && (flags & more) !== 0)) {
      if ((stream.flags & closing) !== 0) this.#closing.step(stream);
      return 0;
    }
    return this.#afterSend(stream, this.sending.roomAgain(stream));
  }

  /** That poll tells of a change: also of the end itself, and of room. */
  hangupChanged(slot: number, generation: number, result: number, flags: number): number {
    const stream = this.#find(slot, generation);
    if ((flags & more) === 0) stream.flags &= ~hangupPolled;
    if ((stream.flags & closing) !== 0) {
      this.#closing.step(stream);
      return 0;
    }
    if ((stream.flags & broken) !== 0 || result === -canceled) return 0;
    const hungUp = result >= 0 && (result & hangupEvents) !== 0;
    if (hungUp) {
      const errno = errorBehindEnd(stream.descriptor, (stream.flags & writeShut) !== 0);
      if (errno !== 0) this.breakLater(stream, errno);
    } else if ((flags & more) === 0) this.#pollHangup(stream);
    return 0;
  }

  #afterSend(stream: Stream, errno: number): number {
    if ((stream.flags & closing) !== 0) {
      this.#closing.step(stream);
      return 0;
    }
    if (errno !== 0) {
      // In the next wait: the receive may be about to tell more.
      this.breakLater(stream, errno);
      return 0;
    }
    const free = (stream.flags & (awaited | sending | full | broken)) === awaited;
    return free ? this.#reportWritable(stream) : 0;
  }

  /** The poll of an outgoing connection has ended. */
  connectEnded(slot: number, generation: number): number {
    const stream = this.#find(slot, generation);
    if ((stream.flags & closing) !== 0) {
      stream.flags &= ~connecting;
      this.#closing.step(stream);
      return 0;
    }
    const errno = pendingError(stream.descriptor);
    if (errno !== 0) {
      stream.errno = errno;
      stream.flags |= broken;
      return this.#reportFailure(stream);
    }
    stream.flags &= ~connecting;
    if ((stream.flags & wanted) !== 0) this.#receive(stream);
    this.#events.connected(slot, generation);
    if ((stream.flags & (closing | awaited | sending)) !== awaited) return 1;
    return 1 + this.#reportWritable(stream);
  }

  cancelAnswered(slot: number, generation: number): void {
    const stream = this.#closing.find(slot, generation);
    assert(stream !== undefined, 'a stream is not forgotten while it is cancelled');
    stream.flags &= ~cancelling;
    this.#closing.step(stream);
  }

  /** The cancellation of a paused receive was answered; its own end comes by itself. */
  stopAnswered(slot: number, generation: number, result: number): void {
    const stream = this.#open[slot];
    if (stream === null || stream?.generation !== generation) return;
    // It missed: what arrives next tries again.
    if (result < 0) stream.flags &= ~stopping;
  }

  sweep(): void {
    this.#closing.sweep();
  }
}
