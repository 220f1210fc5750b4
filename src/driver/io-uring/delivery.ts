import type { Slab } from '../../buffer/slab.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import type { DriverCounters, DriverEvents } from '../contract.ts';
import type { BufferRing } from './buffer-ring.ts';
import type { Operations } from './operations.ts';
import type { Stream } from './stream.ts';
import { anyFailure, anyJoining, mark, notOpen, receive, receives } from './stream-states.ts';
import { joinEnded, joinWaiting, receiveStopping } from './stream-transitions.ts';

const { wanted } = mark;

const more = numbers.IORING_CQE_F_MORE;
const notEmpty = numbers.IORING_CQE_F_SOCK_NONEMPTY;
/** What is kept to be joined with what follows; a longer piece is no short message. */
const joinedBytesMax = 4_096;

export interface DeliveryOwner {
  /** To be looked after by the next wait. */
  attend(stream: Stream): void;
}

/**
 * Hands what arrived to the loop, keeps it for a paused stream, and puts together what only the end of
 * a buffer, or of a receive, took apart.
 */
export class Delivery {
  readonly #operations: Operations;
  readonly #buffers: BufferRing;
  readonly #events: DriverEvents;
  readonly #counters: DriverCounters;
  readonly #owner: DeliveryOwner;
  /** The stream whose bytes are held, see `#cutOff`. */
  cut: Stream | null = null;
  #cutSlab: Slab | null = null;
  #cutStart = 0;
  #cutEnd = 0;

  constructor(
    operations: Operations,
    buffers: BufferRing,
    events: DriverEvents,
    counters: DriverCounters,
    owner: DeliveryOwner,
  ) {
    this.#operations = operations;
    this.#buffers = buffers;
    this.#events = events;
    this.#counters = counters;
    this.#owner = owner;
  }

  /** Bytes of a completion, as `BufferRing.begin` found them. Returns how many events were reported. */
  arrived(stream: Stream, flags: number, count: number): number {
    const { slab } = this.#buffers;
    const first = this.#buffers.start;
    const end = first + count;
    if ((stream.states & (notOpen | anyFailure)) !== 0) {
      if (this.cut === stream) this.reportCut();
      return 0;
    }
    this.#counters.bytesReceived += count;
    if ((stream.states & anyJoining) !== 0) return this.#joinKept(stream, slab, first, end);
    const start = this.cut === stream ? this.#joinCut(slab, first, count) : first;
    if ((stream.states & wanted) !== 0 && stream.kept === null) {
      if (this.#buffers.isCut(flags, end - start)) return this.#cutOff(stream, slab, start, end);
      if ((flags & (more | notEmpty)) === notEmpty && count <= joinedBytesMax) {
        return this.#keepForNext(stream, slab, start, end);
      }
    }
    return this.#deliver(stream, slab, start, end);
  }

  #deliver(stream: Stream, slab: Slab, start: number, end: number): number {
    if ((stream.states & notOpen) !== 0) return 0;
    if ((stream.states & wanted) !== 0 && stream.kept === null) {
      this.#lend(stream, slab, start, end);
      return 1;
    }
    const copied = this.#buffers.shouldCopy(slab, end - start);
    const copy = copied ? this.#buffers.copyOf(slab, start, end) : null;
    if (copy !== null) {
      stream.keep(copy, 0, end - start);
    } else {
      slab.home.retain(slab);
      stream.keep(slab, start, end);
    }
    if ((stream.states & (wanted | receives)) === receive.inFlight) this.#stop(stream);
    return 0;
  }

  // A short message must not come in two pieces because a buffer, or the limit of a receive, ended in
  // the middle of it: with a reader that asks for 64 KiB each time it never would.

  /** Holds bytes that a buffer's end cut off, until the next completion. */
  #cutOff(stream: Stream, slab: Slab, start: number, end: number): 0 {
    slab.home.retain(slab);
    this.cut = stream;
    this.#cutSlab = slab;
    this.#cutStart = start;
    this.#cutEnd = end;
    return 0;
  }

  /** Puts them in front of what followed. Returns where the bytes begin now. */
  #joinCut(slab: Slab, start: number, count: number): number {
    const length = this.#cutEnd - this.#cutStart;
    const cut = this.#cutSlab as Slab;
    if (!this.#buffers.hasRoomInFront(start, length, count)) {
      this.reportCut();
      return start;
    }
    slab.bytes.set(cut.bytes.subarray(this.#cutStart, this.#cutEnd), start - length);
    this.cut = this.#cutSlab = null;
    cut.home.release(cut);
    return start - length;
  }

  /** Nothing followed in time: they are reported as they are. Returns how many events that made. */
  reportCut(): number {
    const stream = this.cut;
    const slab = this.#cutSlab;
    if (stream === null || slab === null) return 0;
    this.cut = this.#cutSlab = null;
    slab.floor = this.#cutStart;
    const reported = this.#deliver(stream, slab, this.#cutStart, this.#cutEnd);
    slab.home.release(slab);
    return reported;
  }

  /** Keeps bytes that the limit of a receive cut off, until the next receive brings the rest. */
  #keepForNext(stream: Stream, slab: Slab, start: number, end: number): number {
    const copy = this.#buffers.copyOf(slab, start, end);
    if (copy === null) return this.#deliver(stream, slab, start, end);
    stream.keep(copy, 0, end - start);
    joinWaiting(stream);
    this.#owner.attend(stream);
    return 0;
  }

  #joinKept(stream: Stream, slab: Slab, start: number, end: number): number {
    joinEnded(stream);
    const { kept } = stream;
    if (kept === null || (stream.states & wanted) === 0)
      return this.#deliver(stream, slab, start, end);
    const joined = this.#buffers.joined(kept, slab, start, end);
    if (joined === null) return this.#deliver(stream, slab, start, end);
    stream.dropKept();
    this.#lend(stream, joined, 0, kept.end - kept.start + end - start);
    joined.home.release(joined);
    return 1;
  }

  #lend(stream: Stream, slab: Slab, start: number, end: number): void {
    const { slot, generation } = stream;
    const copied = this.#buffers.shouldCopy(slab, end - start);
    const copy = copied ? this.#buffers.copyOf(slab, start, end) : null;
    if (copy === null) {
      this.#events.received(slot, generation, slab, start, end);
      return;
    }
    this.#events.received(slot, generation, copy, 0, end - start);
    copy.home.release(copy);
  }

  /** Once: the kernel answers a second cancellation with an error only. */
  #stop(stream: Stream): void {
    receiveStopping(stream);
    this.#operations.cancelReceive(stream);
  }

  /** Bytes that were kept while the stream was paused, as far as it is not paused again. */
  reportKept(stream: Stream): number {
    let reported = 0;
    while ((stream.states & (notOpen | wanted)) === wanted) {
      const kept = stream.takeKept();
      if (kept === null) break;
      reported++;
      // What stands in front may belong to others by now.
      kept.slab.floor = kept.start;
      this.#lend(stream, kept.slab, kept.start, kept.end);
      kept.slab.home.release(kept.slab);
    }
    return reported;
  }
}
