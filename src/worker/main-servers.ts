import type { Bytes } from '../connection/conn.ts';
import type { StopOptions, StopResult } from '../connection/server-view.ts';
import type { ServerViewData } from './messages.ts';

/** A server of the main thread, as the threads of loops see it. */
export interface MainServer {
  readonly id: number;
  /** Resolves when it listens, or is over. */
  readonly ready: Promise<void>;
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  view(): ServerViewData;
  stop(options?: StopOptions): Promise<StopResult>;
  broadcast(data: Bytes): Promise<number>;
  sendTo(address: string, data: Bytes): Promise<void>;
  listenerWasDuplicated(): void;
  /** Whether a descriptor belongs to one of its connections. */
  owns(descriptor: number): boolean;
}

/** Servers that run, by id. */
export const mainServers = new Map<number, MainServer>();

let last = 0;

export function nextServerId(): number {
  last++;
  return last;
}
