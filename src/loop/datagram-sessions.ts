import type { GnetError } from '../base/errors.ts';
import type { DatagramOwner } from '../connection/datagram-owner.ts';
import { DatagramSession, type SessionKeeper } from '../connection/datagram-session.ts';
import type { SharedPeer } from '../connection/shared-peer.ts';
import type { LoopCounts } from './loop-counts.ts';
import type { DatagramPeer } from '../driver/contract.ts';

/** As the option `udpSessions` says it. */
export interface SessionSettings {
  readonly idleTimeout: number;
  /** Sessions of one loop. */
  readonly max: number;
}

/** Peers cannot choose what falls together. */
const seed = Math.trunc(Math.random() * 2 ** 31);

function hashOf(endpoint: number, peer: DatagramPeer): number {
  let hash = seed ^ endpoint;
  hash = Math.imul(hash ^ peer.port, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ peer.word0, 0x85ebca6b);
  if (peer.family === 6) {
    hash = Math.imul(hash ^ (hash >>> 13) ^ peer.word1, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 16) ^ peer.word2, 0x27d4eb2f);
    hash = Math.imul(hash ^ (hash >>> 15) ^ peer.word3, 0x165667b1);
    hash ^= peer.scope;
  }
  return (hash ^ (hash >>> 16)) | 0;
}

function isOfPeer(session: DatagramSession, endpoint: number, peer: DatagramPeer): boolean {
  return session.endpoint === endpoint && session.peer.is(peer);
}

/**
 * Sessions of one peer with several addresses of ours have the same hash: a failure is told to each of
 * them, since it does not come with our address.
 */
function isOf(
  session: DatagramSession,
  endpoint: number,
  peer: DatagramPeer,
  local: DatagramPeer | null,
): boolean {
  return isOfPeer(session, endpoint, peer) && session.isAt(local);
}

/** The sessions of a loop: those that peers began, and those of sockets that were dialled. */
export class DatagramSessions implements SessionKeeper {
  readonly #owner: DatagramOwner;
  readonly #settings: SessionSettings | undefined;
  readonly #byHash = new Map<number, DatagramSession>();
  /** By endpoint: its socket is connected. */
  readonly #dialled = new Map<number, DatagramSession>();
  readonly #counts: LoopCounts;
  #count = 0;

  constructor(owner: DatagramOwner, settings: SessionSettings | undefined, counts: LoopCounts) {
    this.#owner = owner;
    this.#settings = settings;
    this.#counts = counts;
  }

  #changed(): void {
    this.#counts.datagramSessions = this.#count + this.#dialled.size;
  }

  /** Of a socket that is connected to the peer. */
  dialled(endpoint: number, peer: SharedPeer, idleTimeout: number): DatagramSession {
    const session = new DatagramSession(
      this.#owner,
      this,
      endpoint,
      peer,
      null,
      idleTimeout,
      0,
      true,
    );
    this.#dialled.set(endpoint, session);
    this.#changed();
    return session;
  }

  /**
   * The session that a datagram is of, which may begin with it. Null: there is none for it. Undefined:
   * this endpoint has none.
   */
  of(
    endpoint: number,
    peer: SharedPeer,
    local: DatagramPeer | null,
  ): DatagramSession | null | undefined {
    const dialled = this.#dialled.get(endpoint);
    if (dialled !== undefined) return dialled.isEnding ? null : dialled;
    const settings = this.#settings;
    if (settings === undefined) return undefined;
    const hash = hashOf(endpoint, peer);
    const known = this.#find(hash, endpoint, peer, local);
    if (known !== null && !known.isEnding) return known;
    // The session is closing; its peer starts a new one.
    known?.finish();
    if (this.#count >= settings.max) {
      this.#counts.datagramsRefused++;
      return null;
    }
    const { idleTimeout } = settings;
    const made = new DatagramSession(
      this.#owner,
      this,
      endpoint,
      peer,
      local,
      idleTimeout,
      hash,
      false,
    );
    made.nextOfHash = this.#byHash.get(hash) ?? null;
    this.#byHash.set(hash, made);
    this.#count++;
    this.#changed();
    made.open();
    // `onOpened` may have closed it, or the endpoint.
    return made.isEnding || !this.#owner.ports.isOpen(endpoint) ? null : made;
  }

  #find(
    hash: number,
    endpoint: number,
    peer: DatagramPeer,
    local: DatagramPeer | null,
  ): DatagramSession | null {
    let session = this.#byHash.get(hash) ?? null;
    while (session !== null && !isOf(session, endpoint, peer, local)) session = session.nextOfHash;
    return session;
  }

  failed(endpoint: number, peer: DatagramPeer | null, error: GnetError): void {
    const dialled = this.#dialled.get(endpoint);
    if (dialled !== undefined) dialled.failed(error);
    else if (peer !== null) {
      for (const session of this.#ofPeer(endpoint, peer)) session.failed(error);
    }
  }

  /** A list of its own: what `failed` calls may end one of them. */
  #ofPeer(endpoint: number, peer: DatagramPeer): DatagramSession[] {
    const all: DatagramSession[] = [];
    let session = this.#byHash.get(hashOf(endpoint, peer)) ?? null;
    for (; session !== null; session = session.nextOfHash) {
      if (isOfPeer(session, endpoint, peer)) all.push(session);
    }
    return all;
  }

  ended(session: DatagramSession): void {
    if (this.#dialled.get(session.endpoint) === session) {
      this.#dialled.delete(session.endpoint);
      this.#changed();
      this.#owner.ports.closeOne(session.endpoint);
      return;
    }
    const first = this.#byHash.get(session.hash);
    if (first === session) {
      if (session.nextOfHash === null) this.#byHash.delete(session.hash);
      else this.#byHash.set(session.hash, session.nextOfHash);
    } else {
      let before = first as DatagramSession;
      while (before.nextOfHash !== session) before = before.nextOfHash as DatagramSession;
      before.nextOfHash = session.nextOfHash;
    }
    this.#count--;
    this.#changed();
  }

  renewStamps(from: number, to: number): void {
    for (const session of this.#all()) session.renewStamp(from, to);
  }

  /** The server stops. */
  signalClose(): void {
    for (const session of this.#all()) session.signalClose();
  }

  /** An endpoint is about to close, or (-1) all are. */
  endOf(endpoint: number): void {
    for (const session of this.#all()) {
      if (endpoint === -1 || session.endpoint === endpoint) session.finish();
    }
  }

  #all(): DatagramSession[] {
    const all = [...this.#dialled.values()];
    for (let session of this.#byHash.values()) {
      for (;;) {
        all.push(session);
        if (session.nextOfHash === null) break;
        session = session.nextOfHash;
      }
    }
    return all;
  }
}
