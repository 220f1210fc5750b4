import { isSameHost } from '../base/inet-address.ts';
import type { DatagramPeer } from '../driver/contract.ts';

/**
 * The sender of a datagram, and its address as text once that was asked for. Never changed: many datagrams
 * share it.
 */
export class SharedPeer implements DatagramPeer {
  readonly family: 0 | 4 | 6;
  readonly port: number;
  readonly word0: number;
  readonly word1: number;
  readonly word2: number;
  readonly word3: number;
  readonly scope: number;
  text: string | null = null;

  constructor(peer: DatagramPeer) {
    this.family = peer.family;
    this.port = peer.port;
    this.word0 = peer.word0;
    this.word1 = peer.word1;
    this.word2 = peer.word2;
    this.word3 = peer.word3;
    this.scope = peer.scope;
  }

  is(peer: DatagramPeer): boolean {
    return this.port === peer.port && isSameHost(this, peer);
  }
}
