import type { StopResult } from '../../connection/server-view.ts';
import type { NativeCalls } from '../../driver/backend.ts';
import type { Endpoint } from '../../driver/contract.ts';
import type { ServiceManager } from './service-manager.ts';

/** A server whose listeners can go to another process. */
export interface Restartable {
  /** Per address, what another process is to be given. @throws ErrUnsupportedOp where it cannot. */
  handOver(): readonly { readonly text: string; readonly endpoints: readonly Endpoint[] }[];
  /** Resolves when no address is being opened or closed, and no loop replaced: seconds at most. */
  settled(): Promise<void>;
  /** Runs once, in small steps, what clients would wait for at the hand-over. Never rejects. */
  rehearse(): Promise<void>;
  pauseDatagrams(): Promise<void>;
  resumeDatagrams(): void;
  readonly ticketKeys: readonly Uint8Array[];
  /** Leaves its listeners to the new process and stops. */
  leave(timeoutMs: number): Promise<StopResult>;
  /** Called when it is stopped by somebody else; null while no restart is under way. */
  onStop: (() => void) | null;
  readonly isStopping: boolean;
  /** Whoever supervises this process, if the server tells it of itself. */
  readonly serviceManager: ServiceManager | null;
  /** Undefined where its sockets are the runtime's, and no system call is made. */
  readonly native: NativeCalls | undefined;
}

/** Servers of this process, in the order in which they were started. */
export const restartable: Set<Restartable> = new Set();

/** Whether a server of this process, other than that one, does not stop. */
export function continues(except?: Restartable): boolean {
  return [...restartable].some((one) => one !== except && !one.isStopping);
}
