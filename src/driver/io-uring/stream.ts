import type { Slab } from '../../buffer/slab.ts';
import { sendQueueBytes } from '../../syscall/socket.ts';
import type { GatheredSend } from './gathered-send.ts';

/** What a stream is doing; bits of `Stream.flags`. */
export const streamFlag = {
  /** The loop wants bytes. */
  wanted: 1,
  /** A multishot receive is in flight: also after a pause, until something arrives. */
  receiving: 2,
  /** That receive is being cancelled, because something arrived while the stream is paused. */
  stopping: 4,
  /** Not everything that was taken is sent. One send at a time: two could overtake each other. */
  sending: 8,
  /** Being connected; the poll that tells is in flight. */
  connecting: 16,
  /** `closeStream` was called and a cancellation of everything is in flight. */
  cancelling: 32,
  /** Bytes were left behind: `writable` follows when the send ends. */
  awaited: 64,
  /** The poll for room in the socket is in flight. */
  polling: 128,
  /** The peer's end was received; not reported yet while bytes are kept. */
  endReceived: 256,
  /** The peer's end was reported. */
  ended: 512,
  /** Nothing more can be done with it. `failed` was reported, or is by the next wait. */
  broken: 1_024,
  failureDue: 2_048,
  /** Half-close when the send ends. */
  shutdownDue: 4_096,
  /** `closeStream` was called: nothing is reported any more. */
  closing: 8_192,
  /** It is to be reset. */
  aborted: 16_384,
  /** On the list of those that the next wait looks after. */
  listed: 32_768,
  /** On the list of those whose receive found no buffer. */
  starved: 65_536,
  /** Its cancellation was submitted. */
  cancelled: 131_072,
  /** The descriptor is closed. */
  gone: 262_144,
  /** The socket is full: what waits is sent when it has room, until the queue is empty. */
  congested: 524_288,
  /** What is kept was cut from what follows: the next arrival is put behind it. */
  joining: 1_048_576,
  /** That has waited for one wait. */
  joiningLate: 2_097_152,
  /** A send operation is in flight. */
  submitted: 4_194_304,
  /** The socket has no room: nothing is sent before the poll says that it has. */
  full: 8_388_608,
  /** `writable` is reported by the next wait. */
  writableDue: 16_777_216,
  /** A sweep found that nothing of it has left since the one before: the next one gives it up. */
  swept: 33_554_432,
  /** Something waits to be sent, or was tried: a failure is reported though bytes are kept. */
  unsendable: 67_108_864,
  /** The peer's end was reported; the next wait sees to it that a reset behind it is heard. */
  hangupDue: 134_217_728,
  /** The poll that hears of it is in flight. */
  hangupPolled: 268_435_456,
  /** Our side was ended. */
  writeShut: 536_870_912,
} as const;

const { receiving, submitted, connecting, cancelling, polling, hangupPolled } = streamFlag;
/** The kernel still has something of the stream: its descriptor must not be closed. */
export const inFlight: number =
  receiving | submitted | connecting | cancelling | polling | hangupPolled;

/** Bytes that arrived while the stream was paused; the slab is held. */
export interface KeptBytes {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;
  next: KeptBytes | null;
}

/**
 * One stream, from `openStream` until the kernel has let go of everything it was given for it: what
 * the kernel reads from or writes to is held here, also after `closeStream`.
 */
export class Stream {
  readonly slot: number;
  readonly generation: number;
  readonly descriptor: number;
  flags: number;
  /** What was taken of one slab: its bytes `sendStart..sendEnd` are not sent yet. */
  sendSlab: Slab | null = null;
  sendStart = 0;
  sendEnd = 0;
  /** The send in flight, when it is of several. */
  gathered: GatheredSend | null = null;
  /** Bytes at the head of the loop's queue that were sent; the next `flush` takes them out. */
  sent = 0;
  kept: KeptBytes | null = null;
  keptLast: KeptBytes | null = null;
  /** Why it is broken. */
  errno = 0;
  /** `unsentBytes` of a closed stream at the last sweep. */
  unsentAtSweep = Number.POSITIVE_INFINITY;

  constructor(slot: number, generation: number, descriptor: number, flags: number) {
    this.slot = slot;
    this.generation = generation;
    this.descriptor = descriptor;
    this.flags = flags;
  }

  /**
   * As `Driver.unsentBytes`. What `sent` counts waits in the loop's queue to be struck off, and is in
   * the send queue as well.
   */
  get unsentBytes(): number {
    const queued = sendQueueBytes(this.descriptor);
    if (queued < 0) return -1;
    const held = this.sendSlab === null ? 0 : this.sendEnd - this.sendStart;
    return Math.max(0, queued + held - this.sent);
  }

  keep(slab: Slab, start: number, end: number): void {
    const kept: KeptBytes = { slab, start, end, next: null };
    if (this.keptLast === null) this.kept = kept;
    else this.keptLast.next = kept;
    this.keptLast = kept;
  }

  get keptBytes(): number {
    let count = 0;
    for (let kept = this.kept; kept !== null; kept = kept.next) count += kept.end - kept.start;
    return count;
  }

  /** The oldest kept bytes, whose slab is the caller's to release. */
  takeKept(): KeptBytes | null {
    const kept = this.kept;
    if (kept === null) return null;
    this.kept = kept.next;
    if (kept.next === null) this.keptLast = null;
    return kept;
  }

  /** Forgets what was taken and not sent; nothing is in flight. */
  dropUnsent(): void {
    const slab = this.sendSlab;
    if (slab === null) return;
    this.sendSlab = null;
    slab.home.release(slab);
  }

  dropKept(): void {
    for (let kept = this.takeKept(); kept !== null; kept = this.takeKept()) {
      kept.slab.home.release(kept.slab);
    }
  }
}
