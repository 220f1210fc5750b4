import { assert } from '../../base/assert.ts';
import { flushBytesMax } from '../../base/limits.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { type Address, addressAt, foreignInterface } from '../../ffi/index.ts';
import { shutdownSocket } from '../../syscall/socket.ts';
import { constants } from '../../syscall/linux/tables.ts';
import type { DriverCounters, DriverEvents } from '../contract.ts';
import { isLackOfMemory, isPassing, tryAgain } from '../native/errno-sets.ts';
import { sendSurely } from '../native/sure-calls.ts';
import type { BufferRing } from './buffer-ring.ts';
import { GatheredSend } from '../native/gathered-send.ts';
import type { MemoryRest } from '../native/memory-rest.ts';
import type { PassedDescriptors } from '../native/passed-descriptors.ts';
import type { Operations } from './operations.ts';
import type { Stream } from './stream.ts';
import {
  anyConnect,
  anyFailure,
  anyRoomPoll,
  anySend,
  life,
  mark,
  notOpen,
  ownEnd,
  send,
  sends,
} from './stream-states.ts';
import {
  ownEndDone,
  ownEndDue,
  roomPollStarted,
  sendEnded,
  sendHeld,
  sendSubmitted,
  socketFull,
  socketHasRoom,
} from './stream-transitions.ts';

const { awaited, writableDue, aborted, congested } = mark;
/** Nothing more is taken now. */
const busy = anySend | anyConnect;

/** Nothing was said of the socket: the send is made again. */
function interrupted(result: number): boolean {
  return result < 0 && result !== -tryAgain && !isLackOfMemory(-result);
}

/** What sending needs of the streams it sends for. */
export interface SendingOwner {
  /** To be looked after by the next wait. */
  attend(stream: Stream): void;
  /** A call failed outside a wait. */
  breakLater(stream: Stream, errno: number): void;
  /** Something is to be sent on a broken stream: the next wait reports the failure. */
  triedBroken(stream: Stream): void;
}

/**
 * The way out of streams. One send per stream is in flight, so bytes cannot overtake each other:
 *
 *  - up to a slab with nothing under way is taken at once; what the kernel refuses of it the loop takes
 *    back, or it is held here: behind a close, an end of our side, or below a layer;
 *  - more is gathered from the loop's queue, where it stays until it is sent: what a slow reader
 *    leaves waiting is seen and limited by the loop;
 *  - when the socket is full, a poll tells when it has room, and what waits is sent then, in calls of
 *    its own, until the queue is empty: a slow reader makes the kernel hold nothing of ours;
 *  - anything while a send is in flight is refused, and `writable` follows.
 */
export class Sending {
  readonly #operations: Operations;
  readonly #buffers: BufferRing;
  readonly #events: DriverEvents;
  readonly #counters: DriverCounters;
  readonly #owner: SendingOwner;
  readonly #rest: MemoryRest;

  constructor(
    operations: Operations,
    buffers: BufferRing,
    events: DriverEvents,
    counters: DriverCounters,
    owner: SendingOwner,
    rest: MemoryRest,
  ) {
    this.#operations = operations;
    this.#rest = rest;
    this.#buffers = buffers;
    this.#events = events;
    this.#counters = counters;
    this.#owner = owner;
  }

  send(stream: Stream, slab: Slab, offset: number, length: number): number {
    if ((stream.states & (busy | anyFailure)) !== 0) return this.#takesNothing(stream);
    const copied = this.#buffers.shouldCopy(slab, length);
    const copy = copied ? this.#buffers.copyOf(slab, offset, offset + length) : null;
    if (copy !== null) {
      this.#start(stream, copy, 0, length);
      this.#counters.bytesSent += length;
    } else {
      this.#sendHeld(stream, slab, offset, length);
    }
    return length;
  }

  #sendHeld(stream: Stream, slab: Slab, offset: number, length: number): void {
    slab.home.retain(slab);
    this.#start(stream, slab, offset, offset + length);
    this.#counters.bytesSent += length;
  }

  #takesNothing(stream: Stream): -1 | 0 {
    if ((stream.states & anyFailure) !== 0) {
      this.#owner.triedBroken(stream);
      return -1;
    }
    stream.states |= awaited;
    return 0;
  }

  /** The slab is held already. */
  #start(stream: Stream, slab: Slab, start: number, end: number): void {
    stream.sendSlab = slab;
    stream.sendStart = start;
    stream.sendEnd = end;
    this.#submit(stream, slab);
  }

  #submit(stream: Stream, slab: Slab): void {
    sendSubmitted(stream);
    const low = (slab.addressLow >>> 0) + stream.sendStart;
    const high = slab.addressHigh + (low >= 2 ** 32 ? 1 : 0);
    const length = stream.sendEnd - stream.sendStart;
    this.#operations.send(stream, low | 0, high, length);
  }

  /** From the program's memory, which nobody can hold: the kernel copies it in a call of its own. */
  sendBytes(stream: Stream, bytes: Uint8Array): number {
    if ((stream.states & (busy | anyFailure)) !== 0) return this.#takesNothing(stream);
    return this.#sendNow(stream, foreignInterface.addressOf(bytes), bytes.length);
  }

  /** As `sendBytes`. */
  sendPieces(stream: Stream, pieces: readonly Uint8Array[], length: number): number {
    if ((stream.states & (busy | anyFailure)) !== 0) return this.#takesNothing(stream);
    return this.#sentNow(stream, GatheredSend.sendPieces(stream.descriptor, pieces), length);
  }

  /** As `Driver.send`, but by a call; what is left waits until the socket has room. */
  #sendNow(stream: Stream, address: Address, length: number): number {
    return this.#sentNow(stream, sendSurely(stream.descriptor, address, length), length);
  }

  #sentNow(stream: Stream, result: number, length: number): number {
    if (result < 0 && !isPassing(-result)) {
      this.#owner.breakLater(stream, -result);
      return -1;
    }
    const taken = Math.max(result, 0);
    this.#counters.bytesSent += taken;
    if (taken < length) this.#refused(stream, taken, result);
    return taken;
  }

  /** The rest is the loop's, who hears when it is taken. */
  #refused(stream: Stream, taken: number, result: number): void {
    stream.states |= awaited;
    if (result >= 0 || result === -tryAgain) this.#waitForRoom(stream, taken);
    else if (isLackOfMemory(-result)) this.#restSending(stream);
    else this.#goOnLater(stream);
  }

  /** There is no memory to send: what waits goes on after a rest. */
  #restSending(stream: Stream): void {
    if ((stream.states & sends) === 0) socketFull(stream);
    else sendHeld(stream);
    this.#rest.later(() => this.#sendRested(stream));
  }

  #sendRested(stream: Stream): void {
    const { states } = stream;
    if ((states & (send.held | aborted | life.gone)) === send.held) {
      this.#submit(stream, stream.sendSlab as Slab);
    } else if ((states & (send.full | notOpen)) === send.full) {
      socketHasRoom(stream);
      this.#goOnLater(stream);
    }
  }

  /** That poll found no memory: it is made again after a rest, if anybody still waits for room. */
  restRoomPoll(stream: Stream): void {
    this.#rest.later(() => {
      const { states } = stream;
      const waits =
        (states & (send.held | aborted | life.gone)) === send.held ||
        (states & (send.full | notOpen)) === send.full;
      if (!waits || (states & anyRoomPoll) !== 0) return;
      roomPollStarted(stream);
      this.#operations.pollRoom(stream);
    });
  }

  /**
   * The poll stays in flight and tells of changes, or a half-closed peer, which counts as readiness
   * there, would complete it again and again.
   */
  #waitForRoom(stream: Stream, taken: number): void {
    if (taken === 0 && stream.toldOfRoom) this.#distrust(stream);
    stream.toldOfRoom = false;
    if ((stream.states & sends) === 0) socketFull(stream);
    else sendHeld(stream);
    if ((stream.states & anyRoomPoll) !== 0) return;
    roomPollStarted(stream);
    this.#operations.pollRoom(stream);
  }

  /**
   * It told of room where a send found none: short of memory, the system says EAGAIN though the socket
   * has room (tcp_sendmsg). A poll tells of changes only, and none need follow: it is made anew after a
   * rest. Its end has the stream send again, which polls when there is no room.
   */
  #distrust(stream: Stream): void {
    this.#rest.later(() => {
      if ((stream.states & anyRoomPoll) !== 0) this.#operations.cancelRoomPoll(stream);
    });
  }

  /** Everything is sent: changes of the socket are of no interest any more. */
  #endCongestion(stream: Stream): void {
    stream.states &= ~congested;
    if ((stream.states & anyRoomPoll) !== 0) this.#operations.cancelRoomPoll(stream);
  }

  /** The loop has had `writable`: perhaps nothing waited but the end of what was taken. */
  heardOfRoom(stream: Stream): void {
    const { states } = stream;
    if ((states & (congested | awaited | busy | notOpen)) === congested)
      this.#endCongestion(stream);
  }

  /** The socket may have room, but others have their turn first. */
  #goOnLater(stream: Stream): void {
    stream.states |= writableDue | congested;
    this.#owner.attend(stream);
  }

  /** See `Transport.refuses`. */
  refuses({ states }: Stream): boolean {
    return (states & (congested | anyConnect)) !== 0;
  }

  flush(stream: Stream, queue: OutboundQueue, passed: PassedDescriptors): boolean {
    if (stream.sent > 0) {
      const { sent } = stream;
      stream.sent = 0;
      queue.consume(sent);
    }
    if ((stream.states & (busy | anyFailure)) !== 0) {
      if (queue.length === 0) return true;
      stream.states |= awaited;
      if ((stream.states & anyFailure) !== 0) this.#owner.triedBroken(stream);
      return false;
    }
    const byCall = (stream.states & congested) !== 0 || queue.attachments.length > 0;
    const taken = byCall
      ? this.#flushNow(stream, queue, passed)
      : this.#flushThroughRing(stream, queue, passed);
    if (taken && (stream.states & congested) !== 0) this.#endCongestion(stream);
    return taken;
  }

  #flushThroughRing(stream: Stream, queue: OutboundQueue, passed: PassedDescriptors): boolean {
    const { head } = queue;
    if (head === null) return true;
    if (head.next === null) {
      // The queue holds it already: a copy would free nothing.
      const length = head.end - head.start;
      this.#sendHeld(stream, head, head.start, length);
      queue.consume(length);
      return true;
    }
    const gathered = GatheredSend.take();
    // No memory for it: the kernel is asked at once.
    if (gathered === null) return this.#flushNow(stream, queue, passed);
    gathered.fill(head);
    stream.gathered = gathered;
    sendSubmitted(stream);
    stream.states |= awaited;
    this.#counters.bytesSent += gathered.length;
    this.#operations.sendMessage(stream, gathered.addressLow, gathered.addressHigh);
    return false;
  }

  #flushNow(stream: Stream, queue: OutboundQueue, passed: PassedDescriptors): boolean {
    let budget = flushBytesMax;
    while (queue.length > 0) {
      if (budget <= 0) {
        stream.states |= awaited;
        this.#goOnLater(stream);
        return false;
      }
      const result = passed.sendHead(stream.descriptor, queue, true);
      const { offered } = passed;
      const taken = this.#sentNow(stream, result, offered);
      if (taken > 0) queue.consume(taken);
      if (taken < offered) return false;
      budget -= taken;
    }
    return true;
  }

  /** The send in flight has ended. Returns the errno of a failure that breaks the stream, or 0. */
  completed(stream: Stream, result: number): number {
    const failed = result < 0 && !isPassing(-result);
    const count = Math.max(result, 0);
    const { gathered } = stream;
    if (gathered === null) return this.#sentFrom(stream, count, failed ? -result : 0, result);
    sendEnded(stream);
    this.#counters.bytesSent -= gathered.length - count;
    stream.sent += count;
    if (count < gathered.length) stream.states |= congested;
    stream.gathered = null;
    gathered.release();
    return failed ? -result : 0;
  }

  /** The completed send of a taken slab; the rest of the slab is sent next. */
  #sentFrom(stream: Stream, count: number, errno: number, result: number): number {
    const slab = stream.sendSlab as Slab;
    stream.sendStart += count;
    const left = stream.sendEnd - stream.sendStart;
    if (errno === 0 && left > 0 && (stream.states & aborted) === 0) {
      if (this.#gaveBack(stream, slab, result)) this.#refused(stream, count, result);
      else if (result >= 0 || result === -tryAgain) this.#waitForRoom(stream, count);
      else if (isLackOfMemory(-result)) this.#restSending(stream);
      else this.#submit(stream, slab);
      return 0;
    }
    sendEnded(stream);
    this.#counters.bytesSent -= left;
    stream.dropUnsent();
    if (errno !== 0 || (stream.states & notOpen) !== 0) return errno;
    if ((stream.states & (congested | awaited)) === congested) this.#endCongestion(stream);
    if ((stream.states & ownEnd.due) !== 0) this.shutdown(stream);
    return 0;
  }

  /** The loop counts as sent what was taken: it must wait there, or nobody sees a reader that stops. */
  #gaveBack(stream: Stream, slab: Slab, result: number): boolean {
    if ((stream.states & notOpen) !== 0 || interrupted(result)) return false;
    const { sendStart, sendEnd: end } = stream;
    const { slot, generation } = stream;
    if (!this.#events.refused?.(slot, generation, slab, sendStart, end)) return false;
    assert((stream.states & ownEnd.due) === 0, 'what goes before the end of our side stays here');
    sendEnded(stream);
    this.#counters.bytesSent -= end - sendStart;
    stream.dropUnsent();
    return true;
  }

  /** The socket has room: first for what was taken. Returns an errno as `completed` does. */
  roomAgain(stream: Stream): number {
    stream.toldOfRoom = true;
    if ((stream.states & send.full) !== 0) socketHasRoom(stream);
    if ((stream.states & (send.held | aborted)) !== send.held) return 0;
    const slab = stream.sendSlab as Slab;
    const address = addressAt(slab.address as Address, stream.sendStart);
    const result = sendSurely(stream.descriptor, address, stream.sendEnd - stream.sendStart);
    const failed = result < 0 && !isPassing(-result);
    return this.#sentFrom(stream, Math.max(result, 0), failed ? -result : 0, result);
  }

  /** See `Transport.sendLast`. */
  sendLast(stream: Stream, queue: OutboundQueue): void {
    stream.last = queue;
    this.offerLast(stream);
  }

  /** By calls, once, as soon as the send under way has ended. */
  offerLast(stream: Stream): void {
    const queue = stream.last as OutboundQueue;
    if ((stream.states & (congested | aborted | anyFailure)) === 0) {
      if ((stream.states & busy) !== 0) return;
      queue.consume(stream.sent);
      stream.sent = 0;
      this.#offer(stream, queue);
    }
    stream.dropLast();
  }

  /** What a closed stream has in its hands, once: the rest is dropped. */
  offerHeld(stream: Stream): void {
    const slab = stream.sendSlab as Slab;
    const address = addressAt(slab.address as Address, stream.sendStart);
    const left = stream.sendEnd - stream.sendStart;
    const taken = Math.max(0, sendSurely(stream.descriptor, address, left));
    sendEnded(stream);
    this.#counters.bytesSent -= left - taken;
    stream.dropUnsent();
  }

  #offer({ descriptor }: Stream, queue: OutboundQueue): void {
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      const length = slab.end - slab.start;
      const address = addressAt(slab.address as Address, slab.start);
      const taken = Math.max(0, sendSurely(descriptor, address, length));
      this.#counters.bytesSent += taken;
      queue.consume(taken);
      if (taken < length) return;
    }
  }

  /** As `Driver.handedOver`. */
  handedOver(stream: Stream): boolean {
    if ((stream.states & sends) === 0 || (stream.states & anyFailure) !== 0) return true;
    stream.states |= awaited;
    return false;
  }

  /** Ends our side, after what was taken. */
  shutdown(stream: Stream): void {
    if ((stream.states & ownEnd.done) !== 0) return;
    if ((stream.states & sends) !== 0) {
      ownEndDue(stream);
      return;
    }
    ownEndDone(stream);
    // ENOTCONN: reset already, which the receive reports.
    shutdownSocket(stream.descriptor, constants.SHUT_WR);
  }
}
