import type { SocketOptions } from '../contract.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { PeerTable } from '../native/peer-table.ts';
import { readable, writable } from './poller.ts';

/** What a stream is doing; bits of `StreamTable.flags`. */
export const streamFlag = {
  /** The poller reports readability. */
  readArmed: 1,
  /** The poller reports writability: the kernel took less than there was. */
  writeArmed: 2,
  /** The loop wants bytes. Differs from `readArmed` between a pause and the next readable event. */
  readWanted: 4,
  /** In the poller's set. A paused stream whose peer is gone is not: hang-ups cannot be masked. */
  registered: 8,
  /** The peer's end was reported. */
  ended: 16,
  /** Being connected. */
  connecting: 32,
  /** A send failed; `failed` is reported by the next wait. */
  broken: 64,
  /** Bytes were left behind while it was being connected: `writable` follows `connected`. */
  wroteEarly: 128,
  /** Our side was ended: a hang-up is then the regular end of both. */
  writeShut: 256,
  /** Descriptors may come with its bytes, and are kept. */
  takesDescriptors: 512,
} as const;

/** What the poller reports of a stream with these flags. */
export function interestOf(flags: number): number {
  const { readArmed, writeArmed } = streamFlag;
  return (flags & readArmed ? readable : 0) | (flags & writeArmed ? writable : 0);
}

const firstCapacity = 64;

/** State of streams by slot, in flat arrays: 38 bytes for a connection with its peer. */
export class StreamTable {
  descriptors: Int32Array<ArrayBuffer> = new Int32Array(firstCapacity).fill(-1);
  generations: Int32Array<ArrayBuffer> = new Int32Array(firstCapacity).fill(-1);
  flags: Uint16Array = new Uint16Array(firstCapacity);
  readonly peers: PeerTable = new PeerTable();
  readonly #ledger: DescriptorLedger | undefined;

  constructor(ledger?: DescriptorLedger) {
    this.#ledger = ledger;
  }

  ensure(slot: number): void {
    let capacity = this.flags.length;
    if (slot < capacity) return;
    while (slot >= capacity) capacity *= 2;
    const grow = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(capacity).fill(-1);
      grown.set(old);
      return grown;
    };
    this.descriptors = grow(this.descriptors);
    this.generations = grow(this.generations);
    const flags = new Uint16Array(capacity);
    flags.set(this.flags);
    this.flags = flags;
  }

  open(slot: number, generation: number, descriptor: number, flags: number): void {
    this.ensure(slot);
    this.descriptors[slot] = descriptor;
    this.generations[slot] = generation;
    this.flags[slot] = flags;
    this.#ledger?.opened(descriptor);
  }

  /** What its options say of descriptors that come with bytes. */
  keepDescriptors(slot: number, { extras }: SocketOptions): void {
    if (extras?.takesDescriptors !== true) return;
    this.flags[slot] = (this.flags[slot] as number) | streamFlag.takesDescriptors;
  }

  release(slot: number): void {
    this.descriptors[slot] = -1;
    this.generations[slot] = -1;
    this.flags[slot] = 0;
    this.peers.forget(slot);
  }

  /** The open slots. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.descriptors.length; slot++) {
      if ((this.descriptors[slot] as number) >= 0) yield slot;
    }
  }
}
