import type { SlabPool } from '../buffer/slab.ts';
import type { Driver } from '../driver/contract.ts';
import type { HandlerCalls } from './host.ts';

/** What a datagram needs of the loop that received it. */
export interface DatagramHost {
  readonly driver: Driver;
  readonly calls: HandlerCalls;
  readonly readPool: SlabPool;
  readonly poisonFrames: boolean;
  /** As of a `ConnectionHost`. */
  openPromises: number;
  /** A handler has answered a datagram with a promise, or that has settled. */
  datagramWaits(change: 1 | -1): void;
  /** Its endpoints: whether one is open, and what it is bound to. */
  readonly ports: { isOpen(endpoint: number): boolean; address(endpoint: number): string };
  requestShutdown(): void;
  report(message: string, error: unknown): void;
}
