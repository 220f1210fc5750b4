import { emptyInetAddress } from '../base/inet-address.ts';
import { SharedPeer } from '../connection/shared-peer.ts';
import type { DatagramPeer } from '../driver/contract.ts';

/** A power of two. */
const places = 256;

/** Those who sent last: most datagrams come from one of them, and need no object for their sender then. */
export class RecentPeers {
  /** Each peer has one place, which it may have to leave to another. */
  readonly #peers: SharedPeer[] = new Array<SharedPeer>(places).fill(
    new SharedPeer(emptyInetAddress()),
  );

  of(peer: DatagramPeer): SharedPeer {
    const mixed = Math.imul(peer.port ^ peer.word0 ^ peer.word3, 0x9e3779b1);
    const place = (mixed >>> 16) & (places - 1);
    const known = this.#peers[place] as SharedPeer;
    if (known.is(peer)) return known;
    const made = new SharedPeer(peer);
    this.#peers[place] = made;
    return made;
  }
}
