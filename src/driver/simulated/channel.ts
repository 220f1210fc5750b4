import type { Random } from './random.ts';
import type { SimulatedFaults } from './faults.ts';

interface Segment {
  readonly bytes: Buffer;
  /** Bytes of it that were read. */
  read: number;
  /** The turn of the network in which it arrives. */
  readonly due: number;
}

/** What the ends of one simulated network share. */
export interface ChannelWorld {
  readonly random: Random;
  readonly faults: SimulatedFaults;
  /** Goes up by one with every wait. */
  turn: number;
}

/**
 * One direction of a simulated connection: a bounded pipe that splits and delays, and keeps order.
 *
 *   put -> [segment due 7][segment due 6][segment due 4] -> read
 */
export class SimulatedChannel {
  readonly #world: ChannelWorld;
  readonly #capacity: number;
  #segments: Segment[] = [];
  #first = 0;
  /** Bytes under way or waiting to be read. */
  #held = 0;
  #lastDue = 0;
  #endDue = -1;

  constructor(world: ChannelWorld, capacity: number) {
    this.#world = world;
    this.#capacity = capacity;
  }

  get space(): number {
    return this.#capacity - this.#held;
  }

  get held(): number {
    return this.#held;
  }

  get finished(): boolean {
    return this.#endDue !== -1;
  }

  /** Something is here but has not arrived yet: later turns bring it without anybody's doing. */
  get underWay(): boolean {
    return this.#lastDue > this.#world.turn;
  }

  /** Copies all of `bytes`; the caller looked at `space`. */
  put(bytes: Uint8Array): void {
    const { random, faults } = this.#world;
    this.#held += bytes.length;
    let from = 0;
    while (from < bytes.length) {
      const left = bytes.length - from;
      const count = left > 1 && random.chance(faults.split) ? random.between(1, left) : left;
      const piece = Buffer.from(bytes.subarray(from, from + count));
      this.#segments.push({ bytes: piece, read: 0, due: this.#nextDue() });
      from += count;
    }
  }

  /** The end of the stream, after everything that was put. */
  finish(): void {
    if (this.#endDue === -1) this.#endDue = this.#nextDue();
  }

  #nextDue(): number {
    const { random, faults, turn } = this.#world;
    const delay = faults.delayTurnsMax === 0 ? 0 : random.below(faults.delayTurnsMax + 1);
    this.#lastDue = Math.max(this.#lastDue, turn + delay);
    return this.#lastDue;
  }

  /** Bytes that can be read now. */
  get arrived(): number {
    const { turn } = this.#world;
    let count = 0;
    for (let at = this.#first; at < this.#segments.length; at++) {
      const segment = this.#segments[at] as Segment;
      if (segment.due > turn) break;
      count += segment.bytes.length - segment.read;
    }
    return count;
  }

  get readable(): boolean {
    const segment = this.#segments[this.#first];
    return segment !== undefined && segment.due <= this.#world.turn;
  }

  get atEnd(): boolean {
    return this.#held === 0 && this.finished && this.#endDue <= this.#world.turn;
  }

  /** Reads what arrived into `into[start..end]`; stops at the end of a segment if there is more. */
  read(into: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.readable) {
      const segment = this.#segments[this.#first] as Segment;
      const count = Math.min(end - at, segment.bytes.length - segment.read);
      into.set(segment.bytes.subarray(segment.read, segment.read + count), at);
      segment.read += count;
      at += count;
      if (segment.read < segment.bytes.length) break;
      this.#first++;
      if (this.#world.random.chance(this.#world.faults.split)) break;
    }
    if (this.#first > 64) {
      this.#segments = this.#segments.slice(this.#first);
      this.#first = 0;
    }
    this.#held -= at - start;
    return at - start;
  }

  /** The connection was reset: what has arrived can still be read, what was on its way is lost. */
  discardLate(): void {
    const { turn } = this.#world;
    this.#segments = this.#segments.slice(this.#first).filter(({ due }) => due <= turn);
    this.#first = 0;
    this.#held = this.#segments.reduce((sum, { bytes, read }) => sum + bytes.length - read, 0);
    this.#lastDue = 0;
  }

  /** Forgets everything on its way: the connection broke. */
  discard(): void {
    this.#segments = [];
    this.#first = 0;
    this.#held = 0;
    this.#lastDue = 0;
  }
}

/**
 * One end of a simulated connection; the other end is another one of these. Closing follows TCP:
 * in order, the other side reads everything and then the end; with unread input, or when the other
 * side writes afterwards, the connection is reset and what was under way is lost.
 */
export class SimulatedEnd {
  readonly inbound: SimulatedChannel;
  readonly localAddress: string;
  readonly remoteAddress: string;
  other!: SimulatedEnd;
  /** The connection was reset by the other side or by the network. */
  broken = false;
  closed = false;

  constructor(inbound: SimulatedChannel, localAddress: string, remoteAddress: string) {
    this.inbound = inbound;
    this.localAddress = localAddress;
    this.remoteAddress = remoteAddress;
  }

  /** @param capacities bytes that each side holds for its reader: of the caller, of the called. */
  static pair(
    world: ChannelWorld,
    capacities: readonly [number, number],
    callerAddress: string,
    calledAddress: string,
  ): [caller: SimulatedEnd, called: SimulatedEnd] {
    const toCaller = new SimulatedChannel(world, capacities[0]);
    const toCalled = new SimulatedChannel(world, capacities[1]);
    const caller = new SimulatedEnd(toCaller, callerAddress, calledAddress);
    const called = new SimulatedEnd(toCalled, calledAddress, callerAddress);
    caller.other = called;
    called.other = caller;
    return [caller, called];
  }

  /** Bytes that can be written now. */
  get space(): number {
    return this.other.inbound.space;
  }

  write(bytes: Uint8Array): void {
    if (this.other.closed) this.#breakOff();
    else this.other.inbound.put(bytes);
  }

  finish(): void {
    if (!this.broken) this.other.inbound.finish();
  }

  /** @param abort resets instead of ending in order. */
  close(abort: boolean): void {
    if (this.closed) return;
    const unread = this.inbound.held > 0;
    this.closed = true;
    this.inbound.discard();
    if (this.broken) return;
    if (abort || unread) this.other.#breakOff();
    else this.other.inbound.finish();
  }

  /** The network lost this connection: both sides notice. */
  lose(): void {
    this.#breakOff();
    this.other.#breakOff();
  }

  #breakOff(): void {
    if (this.closed) return;
    this.broken = true;
    this.inbound.discardLate();
  }
}
