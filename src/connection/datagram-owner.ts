import type { SlabPool } from '../buffer/slab.ts';
import type { DatagramPeer, Driver } from '../driver/contract.ts';
import type { HandlerCalls } from './owner.ts';

/** The endpoints of a loop: whether one is open, and what it is bound to, or was asked on. */
interface DatagramPortsView {
  isOpen(endpoint: number): boolean;
  address(endpoint: number, local: DatagramPeer | null): string;
}

/** What a datagram needs of the loop that received it. */
export interface DatagramOwner {
  readonly driver: Driver;
  readonly calls: HandlerCalls;
  readonly readPool: SlabPool;
  readonly poisonFrames: boolean;
  /** As of a `ConnectionOwner`. */
  openPromises: number;
  /** A handler has answered a datagram with a promise, or that has settled. */
  datagramWaits(change: 1 | -1): void;
  readonly ports: DatagramPortsView;
  requestShutdown(): void;
  report(message: string, error: unknown): void;
}
