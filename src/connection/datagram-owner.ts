import type { SlabPool } from '../buffer/slab.ts';
import type { DatagramPeer, Driver } from '../driver/contract.ts';
import type { LoopView } from './conn.ts';
import type { Leaks } from './leaks.ts';
import type { HandlerCalls, ScheduledDeadline } from './owner.ts';

/** The endpoints of a loop: whether one is open, and what it is bound to, or was asked on. */
interface DatagramPortsView {
  isOpen(endpoint: number): boolean;
  closeOne(endpoint: number): void;
  address(endpoint: number, local: DatagramPeer | null): string;
  port(endpoint: number): number;
}

/** What a datagram needs of the loop that received it. */
export interface DatagramOwner {
  readonly driver: Driver;
  readonly face: LoopView;
  readonly calls: HandlerCalls;
  readonly readPool: SlabPool;
  readonly poisonFrames: boolean;
  readonly leaks: Leaks | null;
  /** As of a `ConnectionOwner`. */
  openPromises: number;
  /** A handler has answered a datagram with a promise, or that has settled. */
  datagramWaits(change: 1 | -1): void;
  readonly ports: DatagramPortsView;
  /** As of a `ConnectionOwner`. */
  readonly now: number;
  currentTime(): number;
  scheduleDeadline(deadline: ScheduledDeadline, delayMs: number): void;
  cancelDeadline(deadline: ScheduledDeadline): void;
  /** Calls `runTasks` soon, from the loop. */
  scheduleTasks(of: { runTasks(): void }): void;
  requestShutdown(): void;
  report(message: string, error: unknown): void;
}
