import type { DatagramPeer } from '../contract.ts';

/** A datagram socket of a driver that calls the kernel itself. */
export interface DatagramEndpoint {
  readonly descriptor: number;
  readonly generation: number;
  readonly port: number;
  /** Each datagram says to which of our addresses it was sent. */
  readonly tellsLocal: boolean;
  readonly shared: boolean;
  registered: boolean;
  /** Where the last datagram was sent to, as most are. Not changed, but replaced: datagrams keep it. */
  local: DatagramPeer | null;
  /** Datagrams that the socket has dropped so far, modulo 2^32. */
  overflowed: number;
  /** The one that the socket is connected to. */
  readonly peer: DatagramPeer | null;
  readonly family: 4 | 6;
  /** Several datagrams may come as one. */
  readonly coalesces: boolean;
  /** The control messages of a datagram are read. */
  readonly readsControl: boolean;
  /** Several datagrams may leave as one, until the kernel has refused that. */
  joins: boolean;
}

/** A datagram of a batch that the kernel refused. */
export interface Refusal {
  readonly peer: DatagramPeer;
  readonly errno: number;
}
