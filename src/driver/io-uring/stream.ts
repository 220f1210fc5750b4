import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { sendQueueBytes } from '../../syscall/socket.ts';
import type { GatheredSend } from '../native/gathered-send.ts';

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
  /** States and marks: see `stream-states.ts`. */
  states: number;
  /** What was taken of one slab: its bytes `sendStart..sendEnd` are not sent yet. */
  sendSlab: Slab | null = null;
  sendStart = 0;
  sendEnd = 0;
  /** The send in flight, when it is of several. */
  gathered: GatheredSend | null = null;
  /** Bytes at the head of the loop's queue that were sent; the next `flush` takes them out. */
  sent = 0;
  /** What a closed stream is to send once more, when its send has ended. */
  last: OutboundQueue | null = null;
  kept: KeptBytes | null = null;
  keptLast: KeptBytes | null = null;
  /** A duplicate was handed out: ours closes, and the connection lives on through the duplicate. */
  isShared = false;
  /** Descriptors may come with its bytes: no receive of the ring takes those, a call does. */
  takesDescriptors = false;
  /** The poll for room has told of some, and nobody has tried since. */
  toldOfRoom = false;
  /** Why it is broken. */
  errno = 0;
  call = 'send';
  /** `unsentBytes` of a closed stream at the last sweep, -1 before the first one. */
  unsentAtSweep = -1;

  brokeBy(call: string, errno: number): void {
    this.call = call;
    this.errno = errno;
  }

  constructor(slot: number, generation: number, descriptor: number, states: number) {
    this.slot = slot;
    this.generation = generation;
    this.descriptor = descriptor;
    this.states = states;
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

  /** The oldest kept bytes; the caller must release their slab. */
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

  dropLast(): void {
    this.last?.clear();
    this.last = null;
  }

  dropKept(): void {
    for (let kept = this.takeKept(); kept !== null; kept = this.takeKept()) {
      kept.slab.home.release(kept.slab);
    }
  }
}
