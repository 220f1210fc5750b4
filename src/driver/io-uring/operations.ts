import type { Slab } from '../../buffer/slab.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { mapMemory } from '../../syscall/memory.ts';
import { peerNameOffset } from '../../syscall/socket.ts';
import { constants } from '../../syscall/linux/tables.ts';
import { ignoredTag, kind, tagOf } from './completion-tags.ts';
import type { Ring } from './ring.ts';
import type { SubmissionQueue } from './submission-queue.ts';

/** The one buffer ring of a driver. 0, as the field for it is in all other operations. */
export const bufferGroup = 0;

const receiveOperation =
  numbers.IORING_OP_RECV |
  (numbers.IOSQE_BUFFER_SELECT << 8) |
  (numbers.IORING_RECV_MULTISHOT << 16);
const acceptFlags = constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC;
/** Never waits in the kernel: see docs/decisions/0012. */
const sendFlags = constants.MSG_NOSIGNAL | constants.MSG_DONTWAIT;
const cancelAllOf = numbers.IORING_ASYNC_CANCEL_FD | numbers.IORING_ASYNC_CANCEL_ALL;
const cancelEverything = numbers.IORING_ASYNC_CANCEL_ANY | numbers.IORING_ASYNC_CANCEL_ALL;

const sweepSeconds = 5;
const longSleepSeconds = 3_600;
/** What is longer needs no limit of its own. */
export const longSleepMs: number = longSleepSeconds * 1_000;

/** Timespecs that never change, so that any number of operations may point at them. */
const times = mapMemory(32);
const timeWords = new Int32Array(times.buffer);
timeWords[0] = sweepSeconds;
timeWords[4] = longSleepSeconds;
const timesAddress = BigInt(times.address);
const sweepLow = Number(BigInt.asIntN(32, timesAddress));
const timesHigh = Number(BigInt.asIntN(32, timesAddress >> 32n));

/** What an operation of a stream names. */
export interface StreamIdentity {
  readonly descriptor: number;
  readonly slot: number;
  readonly generation: number;
}

/** The operations of the driver, as submissions. None is ever given to a kernel thread (IOSQE_ASYNC). */
export class Operations {
  readonly #ring: Ring;
  readonly #receiveBytesMax: number;

  /**
   * @param receiveBytesMax after which a multishot receive ends and must be asked for again, so that
   * one stream cannot use up a turn; 0 for no limit but the kernel's own: 32 receives in a row.
   */
  constructor(ring: Ring, receiveBytesMax: number) {
    this.#ring = ring;
    this.#receiveBytesMax = receiveBytesMax;
  }

  // -- of streams -------------------------------------------------------------------------------------

  /** Receives into the buffer ring until it is cancelled, the peer ends or buffers run out. */
  receive(stream: StreamIdentity): void {
    const entry = this.#begin(receiveOperation, stream, kind.receive);
    entry.setReceiveLimit(this.#receiveBytesMax);
  }

  /** Completes once when there is something to receive by a call. */
  pollReceive(stream: StreamIdentity): void {
    this.#begin(numbers.IORING_OP_POLL_ADD, stream, kind.receive).setFlags(constants.POLLIN);
  }

  cancelReceive(stream: StreamIdentity): void {
    const { slot, generation } = stream;
    const tag = tagOf(kind.cancelReceive, slot);
    const entry = this.#ring.begin(numbers.IORING_OP_ASYNC_CANCEL, -1, tag, generation);
    entry.setAddress(tagOf(kind.receive, slot), generation);
  }

  /** Sends what the socket has room for now. */
  send(stream: StreamIdentity, addressLow: number, addressHigh: number, length: number): void {
    const entry = this.#begin(numbers.IORING_OP_SEND, stream, kind.send);
    entry.setAddress(addressLow, addressHigh);
    entry.setLength(length);
    entry.setFlags(sendFlags);
  }

  /** As `send`, of what a msghdr names. */
  sendMessage(stream: StreamIdentity, addressLow: number, addressHigh: number): void {
    const entry = this.#begin(numbers.IORING_OP_SENDMSG, stream, kind.send);
    entry.setAddress(addressLow, addressHigh);
    entry.setLength(1);
    entry.setFlags(sendFlags);
  }

  /** Completes once, with the outcome of connecting. */
  pollConnect(stream: StreamIdentity): void {
    this.#begin(numbers.IORING_OP_POLL_ADD, stream, kind.connect).setFlags(constants.POLLOUT);
  }

  /** Completes whenever the socket gets room. */
  pollRoom(stream: StreamIdentity): void {
    const entry = this.#begin(numbers.IORING_OP_POLL_ADD, stream, kind.room);
    entry.setLength(numbers.IORING_POLL_ADD_MULTI);
    entry.setFlags(constants.POLLOUT);
  }

  cancelRoomPoll({ slot, generation }: StreamIdentity): void {
    this.cancel(tagOf(kind.room, slot), generation);
  }

  /** Completes at every change of what is reported unasked: an error, a reset. */
  pollHangup(stream: StreamIdentity): void {
    const entry = this.#begin(numbers.IORING_OP_POLL_ADD, stream, kind.hangup);
    entry.setLength(numbers.IORING_POLL_ADD_MULTI);
  }

  /** Cancels everything in flight for its descriptor. */
  cancelStream(stream: StreamIdentity): void {
    this.#begin(numbers.IORING_OP_ASYNC_CANCEL, stream, kind.cancelStream).setFlags(cancelAllOf);
  }

  #begin(operation: number, stream: StreamIdentity, ofKind: number): SubmissionQueue {
    const { descriptor, slot, generation } = stream;
    return this.#ring.begin(operation, descriptor, tagOf(ofKind, slot), generation);
  }

  // -- of anything else -------------------------------------------------------------------------------

  /**
   * One connection, and its peer's address as `peerIn` reads it, at `room`, which is its own until it
   * completes. Not a multishot: that has no address for each, and accepts more than are wanted.
   */
  accept(descriptor: number, room: Slab, tag: number, generation: number): void {
    const entry = this.#ring.begin(numbers.IORING_OP_ACCEPT, descriptor, tag, generation);
    const { addressLow, addressHigh } = room;
    // A slab of a page: no carry.
    entry.setAddress(addressLow + peerNameOffset, addressHigh);
    entry.setSecondAddress(addressLow, addressHigh);
    entry.setFlags(acceptFlags);
  }

  /** Completes once when there is something to read. */
  pollReadable(descriptor: number, tag: number, generation: number): void {
    const entry = this.#ring.begin(numbers.IORING_OP_POLL_ADD, descriptor, tag, generation);
    entry.setFlags(constants.POLLIN);
  }

  /** Completes whenever our own wake descriptor is signalled. */
  pollWake(descriptor: number): void {
    const tag = tagOf(kind.wake, 0);
    const entry = this.#ring.begin(numbers.IORING_OP_POLL_ADD, descriptor, tag, 0);
    entry.setLength(numbers.IORING_POLL_ADD_MULTI);
    entry.setFlags(constants.POLLIN);
  }

  /**
   * Cancels one operation by its user data. The driver ignores the answer and handles only the
   * operation's end.
   */
  cancel(tag: number, generation: number): void {
    const entry = this.#ring.begin(numbers.IORING_OP_ASYNC_CANCEL, -1, ignoredTag, 0);
    entry.setAddress(tag, generation);
  }

  cancelEverything(): void {
    const entry = this.#ring.begin(numbers.IORING_OP_ASYNC_CANCEL, -1, ignoredTag, 0);
    entry.setFlags(cancelEverything);
  }

  /** Completes after five seconds. */
  sweepLater(): void {
    this.#timeout(sweepLow, kind.sweep);
  }

  /** Completes after an hour. */
  wakeFromLongSleep(): void {
    this.#timeout(sweepLow + 16, kind.longSleep);
  }

  #timeout(addressLow: number, ofKind: number): void {
    const entry = this.#ring.begin(numbers.IORING_OP_TIMEOUT, -1, tagOf(ofKind, 0), 0);
    entry.setAddress(addressLow, timesHigh);
    entry.setLength(1);
  }
}
