import type { Slab } from '../../buffer/slab.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { mapMemory } from '../../syscall/memory.ts';
import { peerNameOffset } from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import { kind, tagOf } from './kinds.ts';
import type { Ring } from './ring.ts';

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

  /** Receives into the buffer ring until it is cancelled, the peer ends or buffers run out. */
  receive(descriptor: number, slot: number, generation: number): void {
    const limit = this.#receiveBytesMax;
    this.#ring.push(receiveOperation, descriptor, 0, 0, 0, 0, limit, slot, generation);
  }

  /** Sends what the socket has room for now. */
  send(
    descriptor: number,
    addressLow: number,
    addressHigh: number,
    length: number,
    slot: number,
    generation: number,
  ): void {
    const tag = tagOf(kind.send, slot);
    const operation = numbers.IORING_OP_SEND;
    this.#ring.push(
      operation,
      descriptor,
      addressLow,
      addressHigh,
      length,
      sendFlags,
      0,
      tag,
      generation,
    );
  }

  /** As `send`, of what a msghdr names. */
  sendMessage(
    descriptor: number,
    addressLow: number,
    addressHigh: number,
    slot: number,
    generation: number,
  ): void {
    const tag = tagOf(kind.send, slot);
    const operation = numbers.IORING_OP_SENDMSG;
    this.#ring.push(
      operation,
      descriptor,
      addressLow,
      addressHigh,
      1,
      sendFlags,
      0,
      tag,
      generation,
    );
  }

  /**
   * One connection, and its peer's address as `peerIn` reads it, at `room`, which is its own until it
   * completes. Not a multishot: that has no address for each, and accepts more than are wanted.
   */
  accept(descriptor: number, room: Slab, tag: number, generation: number): void {
    const ring = this.#ring;
    const operation = numbers.IORING_OP_ACCEPT;
    const { addressLow, addressHigh } = room;
    // A slab of a page: no carry.
    const nameLow = addressLow + peerNameOffset;
    ring.push(operation, descriptor, nameLow, addressHigh, 0, acceptFlags, 0, tag, generation);
    ring.setSecondAddress(addressLow, addressHigh);
  }

  /** Completes once when one of `events` holds. */
  poll(descriptor: number, events: number, tag: number, generation: number): void {
    const operation = numbers.IORING_OP_POLL_ADD;
    this.#ring.push(operation, descriptor, 0, 0, 0, events, 0, tag, generation);
  }

  /** Completes at every change that makes one of `events` hold. */
  pollChanges(descriptor: number, events: number, tag: number, generation: number): void {
    const operation = numbers.IORING_OP_POLL_ADD;
    const length = numbers.IORING_POLL_ADD_MULTI;
    this.#ring.push(operation, descriptor, 0, 0, length, events, 0, tag, generation);
  }

  /** Cancels one operation by its user data. */
  cancel(targetTag: number, targetGeneration: number, tag: number, generation: number): void {
    const operation = numbers.IORING_OP_ASYNC_CANCEL;
    this.#ring.push(operation, -1, targetTag, targetGeneration, 0, 0, 0, tag, generation);
  }

  /** Cancels everything in flight for a descriptor. */
  cancelDescriptor(descriptor: number, tag: number, generation: number): void {
    const operation = numbers.IORING_OP_ASYNC_CANCEL;
    this.#ring.push(operation, descriptor, 0, 0, 0, cancelAllOf, 0, tag, generation);
  }

  cancelEverything(): void {
    const operation = numbers.IORING_OP_ASYNC_CANCEL;
    const tag = tagOf(kind.ignored, 0);
    this.#ring.push(operation, -1, 0, 0, 0, cancelEverything, 0, tag, 0);
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
    const tag = tagOf(ofKind, 0);
    this.#ring.push(numbers.IORING_OP_TIMEOUT, -1, addressLow, timesHigh, 1, 0, 0, tag, 0);
  }
}
