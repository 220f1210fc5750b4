import { SyscallError } from '../../base/errors.ts';
import type { Endpoint } from '../contract.ts';
import type { Random } from './random.ts';
import { type ChannelWorld, SimulatedEnd } from './channel.ts';
import type { SimulatedFaults } from './faults.ts';
import { datagramRefusal, refusedBecause } from '../datagram-rules.ts';
import {
  parsePeer,
  SimulatedDatagramPeer,
  SimulatedInbox,
  SimulatedListenerPeer,
  SimulatedPeer,
} from './peer.ts';

const inboxDatagramsMax = 256;

const errors = {
  ECONNRESET: [104, 'connection reset by peer'],
  EPIPE: [32, 'broken pipe'],
  ECONNREFUSED: [111, 'connection refused'],
  EADDRINUSE: [98, 'address already in use'],
  EADDRNOTAVAIL: [99, 'cannot assign requested address'],
  EMFILE: [24, 'too many open files'],
  ENOMEM: [12, 'out of memory'],
} as const;

/** The typed error a kernel driver would report. */
export function simulatedError(
  code: keyof typeof errors,
  syscall: string,
  action: string,
  address?: string,
): SyscallError {
  const [errno, text] = errors[code];
  const details = { syscall, errno, ...(address === undefined ? {} : { address }) };
  return new SyscallError(code, `cannot ${action}: ${text} (${syscall}: ${code})`, details);
}

const localHosts = ['127.0.0.1', '0.0.0.0', '::1', '::'];

const printed = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Who is called at an address: a listener of the driver, or a listening peer. */
export interface Callee {
  readonly endpoint: Endpoint;
  readonly address: string;
  /** Bytes held for the reader on the called side. */
  readonly receiveBytes: number;
  /** Bound, but not listening any more. */
  readonly refusing: boolean;
  called(end: SimulatedEnd): void;
}

/** Everything outside the driver: addresses, connections, peers, and the turns they move in. */
export class SimulatedNetwork implements ChannelWorld {
  readonly random: Random;
  faults: SimulatedFaults;
  turn = 0;
  /** As the last step said. */
  isMoving = false;
  readonly #callees = new Map<string, Callee>();
  readonly #inboxes = new Map<string, SimulatedInbox>();
  readonly #datagramPeers = new Set<SimulatedDatagramPeer>();
  /** Those whose connection can still move. */
  #peers: SimulatedPeer[] = [];
  /** Ends that may have something under way. */
  #ends: SimulatedEnd[] = [];
  #nextPort = 40_000;
  #nextName = 1;

  constructor(random: Random, faults: SimulatedFaults) {
    this.random = random;
    this.faults = faults;
  }

  // -- addresses ----------------------------------------------------------------------------------
  /** The address an endpoint is bound to, with a real port or name. @throws EADDRINUSE, EADDRNOTAVAIL */
  bind(endpoint: Endpoint): string {
    if (endpoint.kind === 'unix') {
      const path = endpoint.path === '@' ? `@${this.#hexName()}` : endpoint.path;
      this.#requireFree(path);
      return path;
    }
    const given = printed(endpoint.host, endpoint.port);
    if (!localHosts.includes(endpoint.host)) {
      throw simulatedError('EADDRNOTAVAIL', 'bind', `listen on ${given}`, given);
    }
    const address = endpoint.port === 0 ? printed(endpoint.host, this.#nextPort++) : given;
    this.#requireFree(address);
    return address;
  }

  #hexName(): string {
    return (this.#nextName++).toString(16).padStart(5, '0');
  }

  #requireFree(address: string): void {
    if (!this.#callees.has(address) && !this.#inboxes.has(address)) return;
    throw simulatedError('EADDRINUSE', 'bind', `listen on ${address}`, address);
  }

  listen(callee: Callee): void {
    this.#callees.set(callee.address, callee);
  }

  unlisten(address: string): void {
    this.#callees.delete(address);
  }

  /** The candidates a kernel would look at: the address itself, then the ones for any host. */
  #calleeAt(address: string): Callee | undefined {
    const exact = this.#callees.get(address);
    if (exact !== undefined) return exact;
    const port = address.slice(address.lastIndexOf(':'));
    const four = address.startsWith('127.') ? this.#callees.get(`0.0.0.0${port}`) : undefined;
    const any = this.#callees.get(`[::]${port}`);
    if (any === undefined || any.endpoint.kind === 'unix') return four;
    return four ?? (address.startsWith('127.') && any.endpoint.v6Only ? undefined : any);
  }

  /** A caller's own address on the way to `address`. */
  #callerAddress(address: string): string {
    if (!/:\d+$/.test(address) || address.startsWith('/') || address.startsWith('@')) return '@';
    return printed(address.startsWith('[') ? '::1' : '127.0.0.1', this.#nextPort++);
  }

  // -- connections --------------------------------------------------------------------------------
  /** The caller's end, or undefined when nobody listens there. */
  call(address: string, receiveBytes: number): SimulatedEnd | undefined {
    const callee = this.#calleeAt(address);
    if (callee === undefined || callee.refusing) return undefined;
    const capacities = [receiveBytes, callee.receiveBytes] as const;
    const [caller, called] = SimulatedEnd.pair(
      this,
      capacities,
      this.#callerAddress(address),
      address,
    );
    this.#ends.push(caller, called);
    callee.called(called);
    return caller;
  }

  /** A new peer calls `address`. */
  connectPeer(address: string, receiveBytes: number): SimulatedPeer {
    const peer = new SimulatedPeer();
    this.#peers.push(peer);
    const end = this.call(address, receiveBytes);
    if (end === undefined) peer.refuse('ECONNREFUSED');
    else peer.attach(end);
    return peer;
  }

  listenPeer(endpoint: Endpoint, receiveBytes: number): SimulatedListenerPeer {
    const address = this.bind(endpoint);
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    const bound: Endpoint =
      endpoint.kind === 'unix' ? { kind: 'unix', path: address } : { ...endpoint, port };
    const listener = new SimulatedListenerPeer(bound, () => this.unlisten(address));
    const called = (end: SimulatedEnd): void => {
      const peer = new SimulatedPeer();
      peer.attach(end);
      this.#peers.push(peer);
      listener.accepted.push(peer);
    };
    this.listen({ endpoint: bound, address, receiveBytes, refusing: false, called });
    return listener;
  }

  // -- datagrams ----------------------------------------------------------------------------------
  /** @param only the address that the socket is connected to: it hears nobody else. */
  openInbox(endpoint: Endpoint, only: string | null = null): SimulatedInbox {
    const inbox = new SimulatedInbox(this.bind(endpoint), inboxDatagramsMax, only);
    this.#inboxes.set(inbox.address, inbox);
    return inbox;
  }

  closeInbox(inbox: SimulatedInbox): void {
    this.#inboxes.delete(inbox.address);
  }

  /** False where nobody has that address. */
  sendDatagram(from: string, to: string, bytes: Uint8Array): boolean {
    const port = to.slice(to.lastIndexOf(':'));
    const any = to.startsWith('[') ? `[::]${port}` : `0.0.0.0${port}`;
    const inbox = this.#inboxes.get(to) ?? this.#inboxes.get(any);
    if (this.random.chance(this.faults.datagramLoss)) return true;
    inbox?.deliver(from, bytes, this.turn + this.random.below(this.faults.delayTurnsMax + 1));
    return inbox !== undefined;
  }

  datagramPeer(family: 4 | 6): SimulatedDatagramPeer {
    const host = family === 4 ? '127.0.0.1' : '::1';
    const inbox = this.openInbox({ kind: 'udp', family, v6Only: true, host, port: 0 });
    const peer: SimulatedDatagramPeer = new SimulatedDatagramPeer(
      inbox,
      (to, data) => {
        const peer = parsePeer(to);
        const why = refusedBecause({ family, v6Only: true }, peer, data.length);
        if (why !== null) throw datagramRefusal(why, peer);
        this.sendDatagram(inbox.address, to, data);
      },
      () => {
        this.closeInbox(inbox);
        this.#datagramPeers.delete(peer);
      },
    );
    this.#datagramPeers.add(peer);
    return peer;
  }

  // -- turns --------------------------------------------------------------------------------------
  /** Moves every peer along. Returns whether anything moved or is still under way. */
  step(): boolean {
    this.turn++;
    let busy = false;
    this.#peers = this.#peers.filter((peer) => !peer.isOver);
    for (const peer of this.#peers) busy = peer.step() || busy;
    for (const peer of this.#datagramPeers) {
      busy = peer.step(this.turn) || peer.inbox.underWay || busy;
    }
    this.#ends = this.#ends.filter((end) => !(end.closed && end.other.closed));
    for (const end of this.#ends) {
      if (!end.broken && this.random.chance(this.faults.reset)) end.lose();
      busy = end.inbound.underWay || busy;
    }
    this.isMoving = busy;
    return busy;
  }
}
