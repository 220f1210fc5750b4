import type { SyscallError } from '../../base/errors.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { DriverEvents } from '../contract.ts';
import type { SimulatedEnd } from './channel.ts';
import { type SimulatedNetwork, simulatedError } from './network.ts';
import { giveBack, type SimulatedSlabs } from './slabs.ts';

/** Free bytes in front of what is received, so that receivers that use headroom are tried. */
const headroomBytesMax = 64;

export interface StreamSurroundings {
  readonly network: SimulatedNetwork;
  readonly events: DriverEvents;
  readonly pool: SimulatedSlabs;
  readonly counters: { bytesReceived: number; bytesSent: number };
  readonly readBytesMax: number;
}

/** One stream of the simulated driver; `report` tells at most a few events per wait. */
export class SimulatedStream {
  readonly slot: number;
  readonly generation: number;
  readonly descriptor: number;
  readonly #around: StreamSurroundings;
  /** Null while an outgoing connection is not decided yet, and after it was refused. */
  end: SimulatedEnd | null;
  /** The outcome of `connect`, reported in the turn `decidedAt`. */
  readonly #outcome: SyscallError | 'connected' | null;
  readonly #decidedAt: number;
  #decided: boolean;
  #paused = false;
  #wantsWritable = false;
  #endedReported = false;
  #failedReported = false;
  /** A send found the stream broken: `failed` follows even while it is paused. */
  #failNow = false;
  closed = false;

  constructor(
    slot: number,
    generation: number,
    descriptor: number,
    around: StreamSurroundings,
    end: SimulatedEnd | null,
    outcome: SyscallError | 'connected' | null,
  ) {
    this.slot = slot;
    this.generation = generation;
    this.descriptor = descriptor;
    this.#around = around;
    this.end = end;
    this.#outcome = outcome;
    this.#decided = outcome === null;
    const { random, faults, turn } = around.network;
    this.#decidedAt = turn + 1 + random.below(faults.delayTurnsMax + 1);
  }

  // -- what the loop does -------------------------------------------------------------------------
  send(bytes: Uint8Array): number {
    const taken = this.#take(bytes);
    if (taken >= 0 && taken < bytes.length) this.#wantsWritable = true;
    return taken;
  }

  /** Bytes taken, or -1 when the stream is broken. */
  #take(bytes: Uint8Array): number {
    const { network, counters } = this.#around;
    if (this.end === null || !this.#decided) return 0;
    if (this.end.broken) {
      this.#failNow = true;
      return -1;
    }
    let count = Math.min(bytes.length, this.end.space);
    if (network.random.chance(network.faults.shortSend)) count = network.random.below(count + 1);
    if (count > 0) this.end.write(bytes.subarray(0, count));
    counters.bytesSent += count;
    return count;
  }

  flush(queue: OutboundQueue): boolean {
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      const length = slab.end - slab.start;
      const taken = this.#take(slab.bytes.subarray(slab.start, slab.end));
      if (taken > 0) queue.consume(taken);
      if (taken < length) break;
    }
    this.#wantsWritable = queue.length > 0 && !this.#failNow;
    return queue.length === 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  shutdownWrite(): void {
    this.end?.finish();
  }

  close(abort: boolean): void {
    this.closed = true;
    this.end?.close(abort);
  }

  // -- what the driver reports --------------------------------------------------------------------
  /** Reports what is ready. Returns how many events there were. */
  report(): number {
    if (this.closed || this.#failedReported) return 0;
    if (!this.#decided) return this.#reportOutcome();
    const end = this.end as SimulatedEnd;
    if (end.broken) return this.#reportBroken(end);
    const { random, faults } = this.#around.network;
    if (random.chance(faults.laterEvent)) return 0;
    return random.chance(0.5)
      ? this.#reportWritable(end) + this.#reportRead(end)
      : this.#reportRead(end) + this.#reportWritable(end);
  }

  #reportOutcome(): number {
    if (this.#around.network.turn < this.#decidedAt) return 0;
    this.#decided = true;
    if (this.#outcome === 'connected') {
      this.#around.events.connected(this.slot, this.generation);
    } else {
      this.#fail(this.#outcome as SyscallError);
    }
    return 1;
  }

  #reportBroken(end: SimulatedEnd): number {
    if (!this.#failureShows) return 0;
    // First what had arrived, unless the loop waits to send, which only the failure can end.
    if (end.inbound.readable && !this.#failNow && !this.#wantsWritable) {
      return this.#receive(end);
    }
    const call = this.#failNow ? 'send' : 'receive';
    this.#fail(simulatedError('ECONNRESET', call, `${call} on a stream`));
    return 1;
  }

  /**
   * While it is paused and nothing waits to be sent, nobody looks: it comes with the resume. Behind the
   * peer's end there is nothing to pause.
   */
  get #failureShows(): boolean {
    return !this.#paused || this.#failNow || this.#wantsWritable || this.#endedReported;
  }

  #fail(error: SyscallError): void {
    this.#failedReported = true;
    this.#around.events.failed(this.slot, this.generation, error);
  }

  #reportWritable(end: SimulatedEnd): number {
    if (this.closed || !this.#wantsWritable || end.space === 0) return 0;
    this.#wantsWritable = false;
    this.#around.events.writable(this.slot, this.generation);
    return 1;
  }

  #reportRead(end: SimulatedEnd): number {
    if (this.closed || this.#paused || end.broken) return 0;
    if (end.inbound.readable) {
      return this.#receive(end);
    }
    if (!end.inbound.atEnd || this.#endedReported) return 0;
    this.#endedReported = true;
    this.#around.events.ended(this.slot, this.generation);
    return 1;
  }

  /** Returns how many events there were: none without memory. */
  #receive(end: SimulatedEnd): number {
    const { network, pool, events, counters } = this.#around;
    const slab = pool.takeOrNull();
    if (slab === null) return 0;
    const start = network.random.below(headroomBytesMax + 1);
    const last = Math.min(slab.capacity, start + this.#around.readBytesMax);
    const count = end.inbound.read(slab.bytes, start, last);
    counters.bytesReceived += count;
    events.received(this.slot, this.generation, slab, start, start + count);
    giveBack(pool, slab, start, start + count);
    return 1;
  }

  /** What has arrived; what is under way has not. */
  get unreadBytes(): number {
    return this.end?.inbound.arrived ?? 0;
  }

  /** Whether something will come without anybody's doing. */
  get underWay(): boolean {
    if (this.closed || this.#failedReported) return false;
    if (!this.#decided) return true;
    const end = this.end as SimulatedEnd;
    if (end.broken) return this.#failureShows;
    if (this.#wantsWritable && end.space > 0) return true;
    if (this.#paused) return false;
    return end.inbound.readable || (end.inbound.atEnd && !this.#endedReported);
  }
}
