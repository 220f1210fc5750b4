import type { DatagramPeer, DescriptorLedger } from './contract.ts';
import { readable, writable } from './poller.ts';
import { emptyInetAddress, formatInet, type InetAddress } from '../syscall/socket-address.ts';

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
} as const;

/** What the poller reports of a stream with these flags. */
export function interestOf(flags: number): number {
  const { readArmed, writeArmed } = streamFlag;
  return (flags & readArmed ? readable : 0) | (flags & writeArmed ? writable : 0);
}

const firstCapacity = 64;
const peerWords = 7;
const unixPeer = 1;

/** State of streams by slot, in flat arrays: some forty bytes for a connection. */
export class StreamTable {
  descriptors: Int32Array<ArrayBuffer> = new Int32Array(firstCapacity).fill(-1);
  generations: Int32Array<ArrayBuffer> = new Int32Array(firstCapacity).fill(-1);
  flags: Uint8Array = new Uint8Array(firstCapacity);
  #peers = new Int32Array(firstCapacity * peerWords);
  /** Unix peers that have a name; most have none. */
  readonly #names = new Map<number, string>();
  readonly #ledger: DescriptorLedger | undefined;

  constructor(ledger?: DescriptorLedger) {
    this.#ledger = ledger;
  }

  ensure(slot: number): void {
    let capacity = this.flags.length;
    if (slot < capacity) return;
    while (slot >= capacity) capacity *= 2;
    const grow = (old: Int32Array, length: number, fill: number): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(length).fill(fill);
      grown.set(old);
      return grown;
    };
    this.descriptors = grow(this.descriptors, capacity, -1);
    this.generations = grow(this.generations, capacity, -1);
    this.#peers = grow(this.#peers, capacity * peerWords, 0);
    const flags = new Uint8Array(capacity);
    flags.set(this.flags);
    this.flags = flags;
  }

  open(slot: number, generation: number, descriptor: number, flags: number): void {
    this.ensure(slot);
    this.descriptors[slot] = descriptor;
    this.generations[slot] = generation;
    this.flags[slot] = flags;
    this.#peers[slot * peerWords] = 0;
    this.#ledger?.opened(descriptor);
  }

  release(slot: number): void {
    this.#ledger?.closing(this.descriptors[slot] as number);
    this.descriptors[slot] = -1;
    this.generations[slot] = -1;
    this.flags[slot] = 0;
    if (this.#peers[slot * peerWords] === unixPeer) this.#names.delete(slot);
    this.#peers[slot * peerWords] = 0;
  }

  /** The open slots. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.descriptors.length; slot++) {
      if ((this.descriptors[slot] as number) >= 0) yield slot;
    }
  }

  /** Remembers who the peer is; `name` for a Unix peer. */
  setPeer(slot: number, address: InetAddress, name: string | null): void {
    const at = slot * peerWords;
    if (name !== null) {
      this.#peers[at] = unixPeer;
      if (name !== '@') this.#names.set(slot, name);
      return;
    }
    this.#peers[at] = address.family;
    this.#peers[at + 1] = address.port;
    this.#peers[at + 2] = address.word0;
    this.#peers[at + 3] = address.word1;
    this.#peers[at + 4] = address.word2;
    this.#peers[at + 5] = address.word3;
    this.#peers[at + 6] = address.scope;
  }

  /** The same for a peer that another driver was told of. */
  setPeerOf(slot: number, peer: DatagramPeer | string): void {
    if (typeof peer === 'string') this.setPeer(slot, emptyInetAddress(), peer);
    else this.setPeer(slot, peer, null);
  }

  isUnix(slot: number): boolean {
    return this.#peers[slot * peerWords] === unixPeer;
  }

  /** As text, or null when it was never remembered. */
  peer(slot: number): string | null {
    const at = slot * peerWords;
    const kind = this.#peers[at];
    if (kind === 0) return null;
    if (kind === unixPeer) return this.#names.get(slot) ?? '@';
    const address = emptyInetAddress();
    address.family = kind === 4 ? 4 : 6;
    address.port = this.#peers[at + 1] as number;
    address.word0 = this.#peers[at + 2] as number;
    address.word1 = this.#peers[at + 3] as number;
    address.word2 = this.#peers[at + 4] as number;
    address.word3 = this.#peers[at + 5] as number;
    address.scope = this.#peers[at + 6] as number;
    return formatInet(address);
  }
}
