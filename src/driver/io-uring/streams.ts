import { assert } from '../../base/assert.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { pendingError, peerName } from '../../syscall/socket.ts';
import { constants } from '../../syscall/linux/tables.ts';
import { streamError } from '../native/broken-stream.ts';
import type {
  DatagramPeer,
  DriverCounters,
  DriverEvents,
  Endpoint,
  SocketOptions,
} from '../contract.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { brokenPipe, canceled, isLackOfMemory, isPassing } from '../native/errno-sets.ts';
import type { MemoryRest } from '../native/memory-rest.ts';
import { openOutgoing } from '../native/open-sockets.ts';
import { setBufferSizesOfAccepted } from '../native/socket-options.ts';
import { PeerTable } from '../native/peer-table.ts';
import type { BufferRing } from './buffer-ring.ts';
import { ClosingStreams } from './closing.ts';
import { Delivery, type DeliveryOwner } from './delivery.ts';
import { HangupPolls } from './hangup-polls.ts';
import type { Operations } from './operations.ts';
import type { ReceivedByCall } from './received-by-call.ts';
import type { Ring } from './ring.ts';
import { Sending, type SendingOwner } from './sending.ts';
import { StarvedStreams } from './starved-streams.ts';
import { Stream } from './stream.ts';
import {
  anyConnect,
  anyFailure,
  anyJoining,
  anyPeerEnd,
  anySend,
  connect,
  failure,
  failureDue,
  hangupPoll,
  joining,
  mark,
  notOpen,
  peerEnd,
  receive,
  receives,
  send,
  sends,
} from './stream-states.ts';
import {
  cancelAnswered,
  connectEnded,
  connectFailed,
  connectStarted,
  failureAfterKept,
  failureNext,
  failureReported,
  hangupPollDue,
  joinEnded,
  joinLate,
  peerEndReceived,
  peerEndReported,
  receiveEnded,
  receiveNotStopped,
  receiveStarted,
  roomPollEnded,
} from './stream-transitions.ts';

const { wanted, awaited, writableDue, listed } = mark;
const { IORING_CQE_F_MORE: more, IORING_CQE_F_BUFFER: hasBuffer } = numbers;
const roomEvents = constants.POLLOUT | constants.POLLERR | constants.POLLHUP;

/**
 * Streams over the ring: a multishot receive into the buffer ring for each, until the loop pauses
 * it. A pause is lazy: the receive is cancelled when something arrives for a paused stream, and what
 * arrives until the cancellation takes effect is kept for the resume. So a handler that waits for a
 * promise between two requests costs no operation.
 */
export class Streams implements SendingOwner, DeliveryOwner {
  readonly #ring: Ring;
  readonly #operations: Operations;
  readonly #buffers: BufferRing;
  readonly #events: DriverEvents;
  readonly peers: PeerTable = new PeerTable();
  readonly #ledger: DescriptorLedger | undefined;
  readonly #open: (Stream | null)[] = [];
  readonly closing: ClosingStreams;
  readonly sending: Sending;
  /** Streams the next wait looks after. */
  #attended: Stream[] = [];
  readonly starved: StarvedStreams;
  readonly #hangups: HangupPolls;
  readonly #rest: MemoryRest;
  readonly #delivery: Delivery;
  readonly #byCall: ReceivedByCall;

  constructor(
    ring: Ring,
    operations: Operations,
    buffers: BufferRing,
    events: DriverEvents,
    counters: DriverCounters,
    ledger: DescriptorLedger | undefined,
    byCall: ReceivedByCall,
    rest: MemoryRest,
  ) {
    this.#rest = rest;
    this.starved = new StarvedStreams(counters, rest);
    this.#hangups = new HangupPolls(operations, rest);
    this.#byCall = byCall;
    this.#ring = ring;
    this.#operations = operations;
    this.#buffers = buffers;
    this.#events = events;
    this.#ledger = ledger;
    this.#delivery = new Delivery(operations, buffers, events, counters, this);
    this.sending = new Sending(operations, buffers, events, counters, this, rest);
    this.closing = new ClosingStreams(operations, this.sending, ledger, rest);
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
    this.peers.setAccepted(slot, descriptor, peer);
    // Everything else was inherited from the listener.
    if (this.peers.isUnix(slot)) {
      setBufferSizesOfAccepted(descriptor, options);
      stream.takesDescriptors = options.extras?.takesDescriptors === true;
    }
    this.#receive(stream);
  }

  connect(slot: number, generation: number, endpoint: Endpoint, options: SocketOptions): void {
    const { descriptor, errno } = openOutgoing(endpoint, options, this.#ledger?.bits);
    const stream = this.#add(new Stream(slot, generation, descriptor, wanted));
    this.peers.setDialled(slot, endpoint);
    if (this.peers.isUnix(slot))
      stream.takesDescriptors = options.extras?.takesDescriptors === true;
    if (errno !== 0) {
      this.breakLater(stream, errno);
      connectFailed(stream);
      return;
    }
    connectStarted(stream);
    this.#operations.pollConnect(stream);
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
    return this.peers.text(slot) ?? peerName(this.get(slot).descriptor);
  }

  close(slot: number, abort: boolean): void {
    const stream = this.get(slot);
    this.#open[slot] = null;
    this.peers.forget(slot);
    this.closing.begin(stream, abort);
  }

  /**
   * In order: what the kernel took still goes out, where a program ends right after an answer. Nothing
   * is reported any more.
   */
  closeOpen(): void {
    for (const stream of this.#open) if (stream !== null) this.close(stream.slot, false);
    this.#attended = [];
    this.starved.clear();
  }

  /** Everything in flight belongs to a stream that is open or closing. */
  #find(slot: number, generation: number): Stream {
    const open = this.#open[slot];
    if (open !== null && open !== undefined && open.generation === generation) return open;
    const stream = this.closing.find(slot, generation);
    assert(stream !== undefined, 'a completion belongs to a stream');
    return stream;
  }

  // -- receiving ------------------------------------------------------------------------------------

  #receive(stream: Stream): void {
    receiveStarted(stream);
    if (stream.takesDescriptors) this.#operations.pollReceive(stream);
    else this.#operations.receive(stream);
  }

  /** A completion of a receive. Returns how many events were reported. */
  received(slot: number, generation: number, result: number, flags: number): number {
    const stream = this.#find(slot, generation);
    const count = Math.max(result, 0);
    let reported = 0;
    const { cut } = this.#delivery;
    if (cut !== null && (cut !== stream || count === 0)) reported += this.#delivery.reportCut();
    if ((flags & more) === 0) receiveEnded(stream);
    if ((flags & hasBuffer) !== 0) {
      this.#buffers.begin(flags, count);
      if (count > 0) reported += this.#delivery.arrived(stream, flags, count);
      this.#buffers.end(flags);
    }
    if (stream.takesDescriptors && result > 0) reported += this.#receiveByCall(stream);
    else if (result <= 0) reported += this.#arrivedNothing(stream, -result);
    if ((stream.states & receives) === 0) this.#receiveAgain(stream);
    return reported;
  }

  /** The poll said that there is something. What is paused by now waits in the kernel. */
  #receiveByCall(stream: Stream): number {
    if ((stream.states & (notOpen | anyFailure | wanted)) !== wanted) return 0;
    const result = this.#byCall.receive(stream);
    return result > 0 ? 1 : this.#arrivedNothing(stream, -result);
  }

  #arrivedNothing(stream: Stream, errno: number): number {
    if ((stream.states & (notOpen | anyFailure)) !== 0) {
      // A send that failed before says EPIPE only; this is what happened.
      if (errno !== 0 && errno !== canceled && stream.errno === brokenPipe) stream.errno = errno;
      return 0;
    }
    if (errno === 0) {
      peerEndReceived(stream);
      return (stream.states & wanted) !== 0 && stream.kept === null ? this.#reportEnd(stream) : 0;
    }
    // ENOBUFS: no buffer, or no memory for the system. ECANCELED: paused. Not about the stream.
    if (isLackOfMemory(errno)) {
      this.starved.add(stream, errno);
      return 0;
    }
    if (errno === canceled || isPassing(errno)) return 0;
    stream.brokeBy('recv', errno);
    if (stream.kept === null) return this.#reportFailure(stream);
    failureAfterKept(stream);
    if ((stream.states & (awaited | sends)) !== 0) this.triedBroken(stream);
    return 0;
  }

  /** No receive is in flight: the next one, if the loop wants bytes and there may be any. */
  #receiveAgain(stream: Stream): void {
    const { states } = stream;
    if ((states & notOpen) !== 0) {
      this.closing.step(stream);
      return;
    }
    const over = anyPeerEnd | anyFailure | anyConnect | receive.starved;
    if ((states & (over | wanted)) !== wanted) return;
    if (stream.kept === null || (states & anyJoining) !== 0) this.#receive(stream);
  }

  /**
   * Buffers are back: as many streams as there are buffers try again. If all did, most would find
   * none again, once for each buffer that the others got.
   */
  receiveAgain(): void {
    this.#buffers.renewMissing();
    let left = this.#buffers.count;
    while (left > 0) {
      const stream = this.starved.feed();
      if (stream === undefined) return;
      if ((stream.states & notOpen) !== 0) continue;
      this.#receiveAgain(stream);
      if ((stream.states & receives) !== 0) left--;
    }
  }

  pause(slot: number): void {
    const stream = this.get(slot);
    stream.states &= ~wanted;
  }

  resume(slot: number): void {
    const stream = this.get(slot);
    if ((stream.states & (peerEnd.reported | wanted)) !== 0) return;
    stream.states |= wanted;
    const { states } = stream;
    const due = peerEnd.received | failureDue;
    if (stream.kept !== null || (states & due) !== 0) this.attend(stream);
    else if ((states & receives) === 0) this.#receiveAgain(stream);
  }

  // -- what the next wait reports ---------------------------------------------------------------------

  attend(stream: Stream): void {
    if ((stream.states & listed) !== 0) return;
    stream.states |= listed;
    this.#attended.push(stream);
    if (!this.#ring.waiting) this.#ring.signal();
  }

  breakLater(stream: Stream, errno: number, call = 'send'): void {
    if ((stream.states & anyFailure) !== 0) return;
    stream.brokeBy(call, errno);
    failureNext(stream);
    this.attend(stream);
  }

  /** The loop waits to send, which only the failure can end: bytes that are kept do not hold it up. */
  triedBroken(stream: Stream): void {
    if ((stream.states & failureDue) === 0) return;
    failureNext(stream);
    this.attend(stream);
  }

  reportCut(): number {
    return this.#delivery.reportCut();
  }

  /** Something is left to do for the next wait, which must not sleep. */
  get hasWork(): boolean {
    return this.#attended.length > 0 || this.starved.areDue;
  }

  /** Looks after those on the list. Returns how many events were reported. */
  reportAttended(): number {
    const list = this.#attended;
    this.#attended = [];
    let reported = 0;
    for (const stream of list) {
      stream.states &= ~listed;
      reported += this.#report(stream);
    }
    return reported;
  }

  #report(stream: Stream): number {
    if ((stream.states & joining.waiting) !== 0) {
      joinLate(stream);
      this.attend(stream);
      return 0;
    }
    if ((stream.states & joining.late) !== 0) joinEnded(stream);
    let reported = this.#delivery.reportKept(stream);
    if ((stream.states & notOpen) !== 0) return reported;
    if ((stream.states & failureDue) !== 0) {
      const held = stream.kept !== null && (stream.states & failure.afterKept) !== 0;
      return held ? reported : reported + this.#reportFailure(stream);
    }
    const { due } = hangupPoll;
    if ((stream.states & (due | anyFailure)) === due) this.#hangups.start(stream);
    if ((stream.states & wanted) !== 0 && stream.kept === null) {
      if ((stream.states & peerEnd.received) !== 0) reported += this.#reportEnd(stream);
      else if ((stream.states & receives) === 0) this.#receiveAgain(stream);
    }
    if ((stream.states & (writableDue | notOpen)) === writableDue) {
      reported += this.#reportWritable(stream);
    }
    return reported;
  }

  #reportEnd(stream: Stream): number {
    peerEndReported(stream);
    this.#events.ended(stream.slot, stream.generation);
    // Nearly every stream is closed by then.
    if ((stream.states & notOpen) === 0) {
      hangupPollDue(stream);
      this.attend(stream);
    }
    return 1;
  }

  #reportWritable(stream: Stream): number {
    stream.states &= ~(awaited | writableDue);
    this.#events.writable(stream.slot, stream.generation);
    this.sending.heardOfRoom(stream);
    return 1;
  }

  #reportFailure(stream: Stream): number {
    failureReported(stream);
    const { slot, generation, descriptor } = stream;
    const address = this.remoteAddress(slot);
    const failed = (stream.states & connect.failed) !== 0;
    this.#events.failed(slot, generation, streamError(stream, failed, descriptor, address));
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
    if ((flags & more) === 0) roomPollEnded(stream);
    const isFull = (stream.states & (send.held | send.full)) !== 0;
    if (isFull && isLackOfMemory(-result)) {
      this.sending.restRoomPoll(stream);
      return 0;
    }
    // The peer's end also ends the poll, but makes no room.
    const none = result >= 0 && (result & roomEvents) === 0;
    if (!isFull || (none && (flags & more) !== 0)) {
      if ((stream.states & notOpen) !== 0) this.closing.step(stream);
      return 0;
    }
    return this.#afterSend(stream, this.sending.roomAgain(stream));
  }

  /** The poll for a reset behind the peer's end tells of a change. */
  hangupChanged(slot: number, generation: number, result: number, flags: number): number {
    const stream = this.#find(slot, generation);
    const errno = this.#hangups.changed(stream, result, flags);
    if ((stream.states & notOpen) !== 0) this.closing.step(stream);
    else if (errno !== 0) this.breakLater(stream, errno, 'recv');
    return 0;
  }

  #afterSend(stream: Stream, errno: number): number {
    if ((stream.states & notOpen) !== 0) {
      this.closing.step(stream);
      return 0;
    }
    if (errno !== 0) {
      // In the next wait: the receive may be about to tell more.
      this.breakLater(stream, errno);
      return 0;
    }
    const free = (stream.states & (awaited | anySend | anyFailure)) === awaited;
    return free ? this.#reportWritable(stream) : 0;
  }

  /** The poll of an outgoing connection has ended. */
  connectEnded(slot: number, generation: number, result: number): number {
    const stream = this.#find(slot, generation);
    if ((stream.states & notOpen) === 0 && isLackOfMemory(-result)) {
      this.#rest.later(() => this.#pollConnectAgain(stream));
      return 0;
    }
    if ((stream.states & notOpen) !== 0) {
      this.#closedWhileConnecting(stream);
      return 0;
    }
    if (isPassing(-result) || result === -canceled) {
      this.#operations.pollConnect(stream); // it says nothing of the connection
      return 0;
    }
    const errno = pendingError(stream.descriptor) || Math.max(-result, 0);
    if (errno !== 0) {
      stream.errno = errno;
      failureNext(stream);
      connectFailed(stream);
      return this.#reportFailure(stream);
    }
    connectEnded(stream);
    if ((stream.states & wanted) !== 0) this.#receive(stream);
    this.#events.connected(slot, generation);
    if ((stream.states & (notOpen | awaited | sends)) !== awaited) return 1;
    return 1 + this.#reportWritable(stream);
  }

  #pollConnectAgain(stream: Stream): void {
    if ((stream.states & notOpen) !== 0) this.#closedWhileConnecting(stream);
    else this.#operations.pollConnect(stream);
  }

  #closedWhileConnecting(stream: Stream): void {
    connectEnded(stream);
    this.closing.step(stream);
  }

  cancelAnswered(slot: number, generation: number): void {
    const stream = this.closing.find(slot, generation);
    assert(stream !== undefined, 'a stream is not forgotten while it is cancelled');
    cancelAnswered(stream);
    this.closing.step(stream);
  }

  /** The cancellation of a paused receive was answered; its own end comes by itself. */
  stopAnswered(slot: number, generation: number, result: number): void {
    const stream = this.#open[slot];
    if (stream === null || stream?.generation !== generation) return;
    // It missed: what arrives next tries again.
    if (result < 0 && (stream.states & receive.stopping) !== 0) receiveNotStopped(stream);
  }
}
