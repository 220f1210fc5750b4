import { assert } from '../../base/assert.ts';
import { formatInet, inetAddress } from '../../base/inet-address.ts';
import type { GnetError } from '../../base/errors.ts';
import type { DatagramPeer, DriverCounters, DriverEvents, Endpoint } from '../contract.ts';
import { datagramRefusal, nobodyThere, refusedBecause } from '../datagram-rules.ts';
import type { SimulatedNetwork } from './network.ts';
import { parsePeer, type SimulatedInbox } from './peer.ts';
import { giveBack, type SimulatedSlabs } from './slabs.ts';

interface Failure {
  readonly peer: DatagramPeer | null;
  readonly error: GnetError;
}

/** A bound socket. */
interface Bound {
  readonly inbox: SimulatedInbox;
  readonly descriptor: number;
  readonly family: 4 | 6;
  readonly v6Only: boolean;
  /** The address that it is connected to. */
  readonly connectedTo: string | null;
  /** To be told with the next report. */
  readonly failures: Failure[];
  receiving: boolean;
}

export interface DatagramWorld {
  readonly network: SimulatedNetwork;
  readonly events: DriverEvents;
  readonly counters: DriverCounters;
  readonly pool: SimulatedSlabs;
  readonly datagramsPerWaitMax: number;
  /** What the kernel refuses of a batch is told of unconnected sockets, too. */
  readonly tellsErrors: boolean;
  openDescriptor(): number;
  freeDescriptor(descriptor: number): void;
}

/** The datagram sockets of a simulated driver. What they refuse, and when that is told, is as of epoll. */
export class SimulatedDatagrams {
  readonly #world: DatagramWorld;
  readonly #bound = new Map<number, Bound>();
  readonly #peer = parsePeer('0.0.0.0:0');
  /** The one whose datagrams are being handed out, or -1: refusals are told behind them. */
  #handingOut = -1;
  #refusal: GnetError = datagramRefusal('ENOBUFS', this.#peer);

  constructor(world: DatagramWorld) {
    this.#world = world;
  }

  bind(id: number, endpoint: Endpoint): void {
    assert(!this.#bound.has(id), `endpoint ${id} is free`);
    assert(endpoint.kind !== 'unix', 'datagrams go by UDP');
    const { family, v6Only, host, port, connects = false } = endpoint;
    const peer = connects ? formatInet(inetAddress(family, host, port)) : null;
    const own = connects ? { ...endpoint, port: 0 } : endpoint;
    const inbox = this.#world.network.openInbox(own, peer);
    const descriptor = this.#world.openDescriptor();
    const more = { connectedTo: peer, failures: [], receiving: false };
    this.#bound.set(id, { inbox, descriptor, family, v6Only, ...more });
  }

  get(id: number): Bound {
    const bound = this.#bound.get(id);
    assert(bound !== undefined, `datagram endpoint ${id} is open`);
    return bound;
  }

  get ids(): IterableIterator<number> {
    return this.#bound.keys();
  }

  get underWay(): boolean {
    for (const { receiving, inbox, failures } of this.#bound.values()) {
      if (receiving && (inbox.underWay || failures.length > 0)) return true;
    }
    return false;
  }

  // -- sending ------------------------------------------------------------------------------------
  send(id: number, peer: DatagramPeer, data: Uint8Array): boolean {
    if (this.sendNow(id, peer, data)) return true;
    if (this.#handingOut !== id || this.#refusal.code === 'ENOBUFS') return false;
    // It went into a batch: what the kernel says of it comes later, and not to everybody.
    const { connectedTo, failures } = this.get(id);
    const told = connectedTo === null ? { ...peer } : parsePeer(connectedTo);
    if (connectedTo !== null || this.#world.tellsErrors) {
      failures.push({ peer: told, error: this.#refusal });
    }
    return true;
  }

  sendNow(id: number, peer: DatagramPeer, data: Uint8Array): boolean {
    const { network, counters } = this.#world;
    const bound = this.get(id);
    const isFull = network.random.chance(network.faults.datagramRefusal);
    const why = isFull ? 'ENOBUFS' : refusedBecause(bound, peer, data.length);
    if (why !== null) {
      counters.datagramsDropped++;
      this.#refusal = datagramRefusal(why, peer);
      return false;
    }
    counters.bytesSent += data.length;
    const { connectedTo } = bound;
    const to = connectedTo ?? formatInet(peer);
    const isThere = network.sendDatagram(bound.inbox.address, to, data);
    if (!isThere && connectedTo !== null) {
      bound.failures.push({ peer: null, error: nobodyThere(connectedTo) });
    }
    return true;
  }

  /** Why the last one was not taken. */
  get lastRefusal(): GnetError {
    return this.#refusal;
  }

  // -- receiving ----------------------------------------------------------------------------------
  report(id: number): number {
    const bound = this.#bound.get(id);
    if (bound === undefined || !bound.receiving) return 0;
    let events = this.#tellFailures(id, bound);
    const outer = this.#handingOut;
    this.#handingOut = id;
    for (let count = 0; count < this.#world.datagramsPerWaitMax; count++) {
      if (!bound.receiving || this.#bound.get(id) !== bound || !this.#reportNext(id, bound)) break;
      events++;
    }
    this.#handingOut = outer;
    events += this.#tellFailures(id, bound);
    return events;
  }

  #reportNext(id: number, { inbox }: Bound): boolean {
    const { pool, network, counters, events } = this.#world;
    const slab = pool.takeOrNull();
    if (slab === null) return false;
    const datagram = inbox.next(network.turn);
    if (datagram === undefined) {
      pool.release(slab);
      return false;
    }
    const { bytes, from } = datagram;
    const end = Math.min(bytes.length, slab.capacity);
    slab.bytes.set(bytes.subarray(0, end));
    Object.assign(this.#peer, parsePeer(from));
    counters.bytesReceived += end;
    counters.datagramsReceived++;
    events.datagram(id, slab, 0, end, this.#peer, end < bytes.length, null);
    giveBack(pool, slab, 0, end);
    return true;
  }

  #tellFailures(id: number, bound: Bound): number {
    let told = 0;
    for (const { peer, error } of bound.failures.splice(0)) {
      if (this.#bound.get(id) !== bound) break;
      told++;
      this.#world.events.datagramFailed(id, peer, error);
    }
    return told;
  }

  drain(id: number): void {
    const bound = this.get(id);
    while (bound.receiving && this.report(id) > 0);
    bound.receiving = false;
  }

  close(id: number): void {
    const { inbox, descriptor } = this.get(id);
    this.#bound.delete(id);
    this.#world.network.closeInbox(inbox);
    this.#world.freeDescriptor(descriptor);
  }
}
