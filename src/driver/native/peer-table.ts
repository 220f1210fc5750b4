import { formatUnix } from '../../base/unix-address.ts';
import { peerInto } from '../../syscall/socket.ts';
import {
  emptyInetAddress,
  formatInet,
  type InetAddress,
  inetAddress,
} from '../../syscall/socket-address.ts';
import type { DatagramPeer, Endpoint } from '../contract.ts';

/** So many peers are one array: growing neither moves those there are nor doubles their memory. */
const peersPerChunk = 1_024;
const peerWords = 7;
const unixPeer = 1;

/** Peers of streams by slot, in flat arrays: 28 bytes each. */
export class PeerTable {
  readonly #chunks: Int32Array<ArrayBuffer>[] = [];
  /** Unix peers that have a name; most have none. */
  readonly #names = new Map<number, string>();

  /** Where the words of a slot are: they begin at `#at(slot)`. */
  #chunk(slot: number): Int32Array<ArrayBuffer> {
    const index = Math.floor(slot / peersPerChunk);
    while (this.#chunks.length <= index) {
      this.#chunks.push(new Int32Array(peersPerChunk * peerWords));
    }
    return this.#chunks[index] as Int32Array<ArrayBuffer>;
  }

  #at(slot: number): number {
    return (slot % peersPerChunk) * peerWords;
  }

  /** Remembers who the peer is; `name` for a Unix peer. */
  set(slot: number, address: InetAddress, name: string | null): void {
    const words = this.#chunk(slot);
    const at = this.#at(slot);
    if (name !== null) {
      words[at] = unixPeer;
      if (name !== '@') this.#names.set(slot, name);
      return;
    }
    words[at] = address.family;
    words[at + 1] = address.port;
    words[at + 2] = address.word0;
    words[at + 3] = address.word1;
    words[at + 4] = address.word2;
    words[at + 5] = address.word3;
    words[at + 6] = address.scope;
  }

  /** The same for a peer that another driver was told of. */
  setKnown(slot: number, peer: DatagramPeer | string): void {
    if (typeof peer === 'string') this.set(slot, emptyInetAddress(), peer);
    else this.set(slot, peer, null);
  }

  /** The same for whom we connect to: a connection that fails has no peer to ask for. */
  setDialled(slot: number, endpoint: Endpoint): void {
    if (endpoint.kind === 'unix') this.set(slot, emptyInetAddress(), formatUnix(endpoint.path));
    else this.set(slot, inetAddress(endpoint.family, endpoint.host, endpoint.port), null);
  }

  /** Of an accepted stream, by whoever accepted it or else by the kernel. */
  setAccepted(slot: number, descriptor: number, peer: DatagramPeer | string | undefined): void {
    if (peer === undefined) this.setFrom(slot, descriptor);
    else this.setKnown(slot, peer);
  }

  /** The same while it has one: a reset connection has no peer to ask for, and `onClosed` names it. */
  setFrom(slot: number, descriptor: number): void {
    const address = emptyInetAddress();
    const name = peerInto(descriptor, address);
    if (name !== null || address.family !== 0) this.set(slot, address, name);
  }

  isUnix(slot: number): boolean {
    return this.#chunk(slot)[this.#at(slot)] === unixPeer;
  }

  /** As text, or null when it was never remembered. */
  text(slot: number): string | null {
    const words = this.#chunk(slot);
    const at = this.#at(slot);
    const kind = words[at];
    if (kind === 0) return null;
    if (kind === unixPeer) return this.#names.get(slot) ?? '@';
    const address = emptyInetAddress();
    address.family = kind === 4 ? 4 : 6;
    address.port = words[at + 1] as number;
    address.word0 = words[at + 2] as number;
    address.word1 = words[at + 3] as number;
    address.word2 = words[at + 4] as number;
    address.word3 = words[at + 5] as number;
    address.scope = words[at + 6] as number;
    return formatInet(address);
  }

  forget(slot: number): void {
    if (this.isUnix(slot)) this.#names.delete(slot);
    this.#chunk(slot)[this.#at(slot)] = 0;
  }
}
