import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { type Address, addressAt, foreignInterface } from '../../ffi/index.ts';
import { shutdownSocket } from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import type { DriverCounters } from '../contract.ts';
import { isPassing, tryAgain } from '../native/errno-sets.ts';
import { sendSurely } from '../native/sure-calls.ts';
import type { BufferRing } from './buffer-ring.ts';
import { GatheredSend } from './gathered-send.ts';
import { kind, tagOf } from './kinds.ts';
import type { Operations } from './operations.ts';
import { type Stream, streamFlag } from './stream.ts';

const {
  sending,
  submitted,
  connecting,
  polling,
  full,
  awaited,
  writableDue,
  broken,
  shutdownDue,
  closing,
  aborted,
  congested,
  writeShut,
} = streamFlag;
const busy = sending | connecting | full;

/** Bytes a flush gives to the kernel itself before other connections have their turn. */
const flushBytesMax = 4 * 1_024 * 1_024;

/** What sending needs of the streams it sends for. */
export interface SendingHost {
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
 *  - up to a slab with nothing under way is taken at once and held until the kernel has it all;
 *  - more is gathered from the loop's queue, where it stays until it is sent: what a slow reader
 *    leaves waiting is seen and limited by the loop;
 *  - when the socket is full, a poll tells when it has room, and what waits is sent then, in calls of
 *    its own, until the queue is empty: a slow reader makes the kernel hold nothing of ours;
 *  - anything while a send is in flight is refused, and `writable` follows.
 */
export class Sending {
  readonly #operations: Operations;
  readonly #buffers: BufferRing;
  readonly #counters: DriverCounters;
  readonly #host: SendingHost;

  constructor(
    operations: Operations,
    buffers: BufferRing,
    counters: DriverCounters,
    host: SendingHost,
  ) {
    this.#operations = operations;
    this.#buffers = buffers;
    this.#counters = counters;
    this.#host = host;
  }

  send(stream: Stream, slab: Slab, offset: number, length: number): number {
    if ((stream.flags & (busy | broken)) !== 0) {
      if ((stream.flags & broken) !== 0) return this.#refused(stream);
      stream.flags |= awaited;
      return 0;
    }
    const copied = this.#buffers.owns(slab) && this.#buffers.scarce;
    const copy = copied ? this.#buffers.copyOf(slab, offset, offset + length) : null;
    if (copy !== null) {
      this.#start(stream, copy, 0, length);
    } else {
      slab.home.retain(slab);
      this.#start(stream, slab, offset, offset + length);
    }
    this.#counters.bytesSent += length;
    return length;
  }

  #refused(stream: Stream): -1 {
    this.#host.triedBroken(stream);
    return -1;
  }

  /** The slab is held already. */
  #start(stream: Stream, slab: Slab, start: number, end: number): void {
    stream.sendSlab = slab;
    stream.sendStart = start;
    stream.sendEnd = end;
    this.#submit(stream, slab);
  }

  #submit(stream: Stream, slab: Slab): void {
    stream.flags |= sending | submitted;
    const low = (slab.addressLow >>> 0) + stream.sendStart;
    const high = slab.addressHigh + (low >= 2 ** 32 ? 1 : 0);
    const length = stream.sendEnd - stream.sendStart;
    const { descriptor, slot, generation } = stream;
    this.#operations.send(descriptor, low | 0, high, length, slot, generation);
  }

  /** From the program's memory, which nobody can hold: the kernel copies it in a call of its own. */
  sendBytes(stream: Stream, bytes: Uint8Array): number {
    if ((stream.flags & (busy | broken)) !== 0) {
      if ((stream.flags & broken) !== 0) return this.#refused(stream);
      stream.flags |= awaited;
      return 0;
    }
    return this.#sendNow(stream, foreignInterface.addressOf(bytes), bytes.length);
  }

  /** As `Driver.send`, but by a call; what is left waits until the socket has room. */
  #sendNow(stream: Stream, address: Address, length: number): number {
    const result = sendSurely(stream.descriptor, address, length);
    if (result < 0 && !isPassing(-result)) {
      this.#host.breakLater(stream, -result);
      return -1;
    }
    const taken = Math.max(result, 0);
    this.#counters.bytesSent += taken;
    if (taken < length) {
      stream.flags |= awaited;
      if (result >= 0 || result === -tryAgain) this.#waitForRoom(stream);
      else this.#goOnLater(stream);
    }
    return taken;
  }

  /**
   * The poll stays in flight and tells of changes, or a half-closed peer, which counts as readiness
   * there, would complete it again and again.
   */
  #waitForRoom(stream: Stream): void {
    stream.flags |= full | congested;
    if ((stream.flags & polling) !== 0) return;
    stream.flags |= polling;
    const tag = tagOf(kind.room, stream.slot);
    this.#operations.pollChanges(stream.descriptor, constants.POLLOUT, tag, stream.generation);
  }

  /** Everything is sent: changes of the socket are of no interest any more. */
  #endCongestion(stream: Stream): void {
    const { slot, generation } = stream;
    stream.flags &= ~congested;
    if ((stream.flags & polling) === 0) return;
    this.#operations.cancel(tagOf(kind.room, slot), generation, tagOf(kind.ignored, 0), 0);
  }

  /** The socket may have room, but others have their turn first. */
  #goOnLater(stream: Stream): void {
    stream.flags |= writableDue | congested;
    this.#host.attend(stream);
  }

  /** See `Transport.refuses`. */
  refuses({ flags }: Stream): boolean {
    return (flags & (congested | full | connecting)) !== 0;
  }

  flush(stream: Stream, queue: OutboundQueue): boolean {
    if (stream.sent > 0) {
      const { sent } = stream;
      stream.sent = 0;
      queue.consume(sent);
    }
    if ((stream.flags & (busy | broken)) !== 0) {
      if (queue.length === 0) return true;
      stream.flags |= awaited;
      if ((stream.flags & broken) !== 0) this.#host.triedBroken(stream);
      return false;
    }
    const taken =
      (stream.flags & congested) === 0
        ? this.#flushThroughRing(stream, queue)
        : this.#flushNow(stream, queue);
    if (taken && (stream.flags & congested) !== 0) this.#endCongestion(stream);
    return taken;
  }

  #flushThroughRing(stream: Stream, queue: OutboundQueue): boolean {
    const { head } = queue;
    if (head === null) return true;
    if (head.next === null) {
      queue.consume(this.send(stream, head, head.start, head.end - head.start));
      return true;
    }
    const gathered = GatheredSend.take();
    // No memory for it: the kernel is asked at once.
    if (gathered === null) return this.#flushNow(stream, queue);
    gathered.fill(head);
    stream.gathered = gathered;
    stream.flags |= sending | submitted | awaited;
    this.#counters.bytesSent += gathered.length;
    const { addressLow, addressHigh } = gathered;
    const { descriptor, slot, generation } = stream;
    this.#operations.sendMessage(descriptor, addressLow, addressHigh, slot, generation);
    return false;
  }

  #flushNow(stream: Stream, queue: OutboundQueue): boolean {
    let budget = flushBytesMax;
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      if (budget <= 0) {
        stream.flags |= awaited;
        this.#goOnLater(stream);
        return false;
      }
      const length = slab.end - slab.start;
      const taken = this.#sendNow(stream, addressAt(slab.address as Address, slab.start), length);
      if (taken > 0) queue.consume(taken);
      if (taken < length) return false;
      budget -= taken;
    }
    return true;
  }

  /** The send in flight has ended. Returns the errno of a failure that breaks the stream, or 0. */
  completed(stream: Stream, result: number): number {
    stream.flags &= ~submitted;
    const failed = result < 0 && !isPassing(-result);
    const count = Math.max(result, 0);
    const { gathered } = stream;
    if (gathered === null) return this.#sentFrom(stream, count, failed ? -result : 0, result);
    stream.flags &= ~sending;
    this.#counters.bytesSent -= gathered.length - count;
    stream.sent += count;
    if (count < gathered.length) stream.flags |= congested;
    stream.gathered = null;
    gathered.release();
    return failed ? -result : 0;
  }

  /** Of the slab that was taken; what is left of it goes on. */
  #sentFrom(stream: Stream, count: number, errno: number, result: number): number {
    const slab = stream.sendSlab as Slab;
    stream.sendStart += count;
    const left = stream.sendEnd - stream.sendStart;
    if (errno === 0 && left > 0 && (stream.flags & aborted) === 0) {
      if (result >= 0 || result === -tryAgain) this.#waitForRoom(stream);
      else this.#submit(stream, slab);
      return 0;
    }
    stream.flags &= ~sending;
    this.#counters.bytesSent -= left;
    stream.dropUnsent();
    if (errno !== 0 || (stream.flags & closing) !== 0) return errno;
    if ((stream.flags & (congested | awaited)) === congested) this.#endCongestion(stream);
    if ((stream.flags & shutdownDue) !== 0) this.shutdown(stream);
    return 0;
  }

  /** The socket has room: first for what was taken. Returns an errno as `completed` does. */
  roomAgain(stream: Stream): number {
    stream.flags &= ~full;
    const slab = stream.sendSlab;
    if (slab === null || (stream.flags & (submitted | aborted)) !== 0) return 0;
    const address = addressAt(slab.address as Address, stream.sendStart);
    const result = sendSurely(stream.descriptor, address, stream.sendEnd - stream.sendStart);
    const failed = result < 0 && !isPassing(-result);
    return this.#sentFrom(stream, Math.max(result, 0), failed ? -result : 0, result);
  }

  /** As `Driver.handedOver`. */
  handedOver(stream: Stream): boolean {
    if ((stream.flags & (sending | broken)) !== sending) return true;
    stream.flags |= awaited;
    return false;
  }

  /** Ends our side, after what was taken. */
  shutdown(stream: Stream): void {
    if ((stream.flags & sending) !== 0) {
      stream.flags |= shutdownDue;
      return;
    }
    stream.flags = (stream.flags & ~shutdownDue) | writeShut;
    // ENOTCONN: reset already, which the receive reports.
    shutdownSocket(stream.descriptor, constants.SHUT_WR);
  }
}
