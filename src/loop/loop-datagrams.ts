import { assert } from '../base/assert.ts';
import type { GnetError } from '../base/errors.ts';
import { inetAddress } from '../base/inet-address.ts';
import type { Slab } from '../buffer/slab.ts';
import { DatagramConnection } from '../connection/datagram-connection.ts';
import type { DatagramOwner } from '../connection/datagram-owner.ts';
import type { DatagramSession } from '../connection/datagram-session.ts';
import type { ConnectionSettings } from '../connection/owner.ts';
import { SharedPeer } from '../connection/shared-peer.ts';
import type { DatagramPeer, Endpoint } from '../driver/contract.ts';
import type { DatagramOrder } from './datagram-order.ts';
import type { DatagramPorts } from './datagram-ports.ts';
import { DatagramSessions } from './datagram-sessions.ts';
import type { LoopCounts } from './loop-counts.ts';
import { RecentPeers } from './recent-peers.ts';

/** What a loop does with datagrams: each goes to its session, or is handled alone. */
export class LoopDatagrams {
  readonly #owner: DatagramOwner;
  readonly #ports: DatagramPorts;
  readonly #settings: ConnectionSettings;
  readonly #counts: LoopCounts;
  /** Null: no sessions, only single datagrams. */
  #sessions: DatagramSessions | null = null;
  readonly #recent = new RecentPeers();

  constructor(
    owner: DatagramOwner,
    ports: DatagramPorts,
    settings: ConnectionSettings,
    counts: LoopCounts,
  ) {
    this.#owner = owner;
    this.#ports = ports;
    this.#settings = settings;
    this.#counts = counts;
    if (settings.udpSessions !== undefined) this.#withSessions();
  }

  #withSessions(): DatagramSessions {
    const made = new DatagramSessions(this.#owner, this.#settings.udpSessions, this.#counts);
    this.#sessions = made;
    this.#ports.onClosing = (endpoint) => made.endOf(endpoint);
    return made;
  }

  /** As the driver reports it. */
  came(
    endpoint: number,
    slab: Slab,
    start: number,
    end: number,
    from: DatagramPeer,
    truncated: boolean,
    local: DatagramPeer | null,
  ): void {
    if (truncated) this.#counts.datagramsTruncated++;
    const peer = this.#recent.of(from);
    const session = this.#sessions === null ? undefined : this.#sessions.of(endpoint, peer, local);
    if (session === undefined) {
      new DatagramConnection(this.#owner, endpoint, peer, local).receive(slab, start, end);
    } else if (session !== null) session.came(slab, start, end, local);
  }

  failed(endpoint: number, peer: DatagramPeer | null, error: GnetError): void {
    this.#sessions?.failed(endpoint, peer, error);
  }

  /** See `DatagramSession`. */
  renewStamps(from: number, to: number): void {
    this.#sessions?.renewStamps(from, to);
  }

  /** The server stops. */
  signalClose(): void {
    this.#sessions?.signalClose();
  }

  /** Opens a socket connected to the endpoint. The caller sets its session up and opens it. */
  async dial(endpoint: Endpoint): Promise<DatagramSession> {
    assert(endpoint.kind === 'udp', 'datagrams go by UDP');
    const id = await this.#ports.dial(endpoint, this.#settings.socket);
    const peer = new SharedPeer(inetAddress(endpoint.family, endpoint.host, endpoint.port));
    const sessions = this.#sessions ?? this.#withSessions();
    return sessions.dialled(id, peer, this.#settings.timeouts.idleTimeout);
  }

  /** @throws SyscallError, ErrUnsupportedOp. */
  obey(order: DatagramOrder): void {
    if (order.kind === 'send') this.#ports.sendTo(order.to, order.data);
    else this.#ports.changeMembership(order.kind === 'join', order.membership);
  }
}
