/** Dialling needs names and addresses, which are known to a room above: it says here how it is done. */
import { ErrUnsupportedOp } from '../base/errors.ts';
import type { LoopClock } from '../base/loop-work.ts';
import type { Conn } from '../connection/conn.ts';
import type { RegisterOptions } from '../connection/conn.ts';
import type { HandlerCalls, ScheduledDeadline, ConnectionSettings } from '../connection/owner.ts';
import type { Leaks } from '../connection/leaks.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { SlabPool } from '../buffer/slab.ts';
import type { AdoptedSocket, Driver, DriverEvents, Endpoint } from '../driver/contract.ts';
import type { Attempt, DialOutcome } from './dialer.ts';
import type { LoopDatagrams } from './loop-datagrams.ts';

/** What the face of a loop asks of the loop itself. */
export interface FacedLoop extends LoopClock {
  readonly index: number;
  readonly driver: Driver;
  readonly calls: HandlerCalls;
  readonly settings: ConnectionSettings;
  readonly leaks: Leaks | null;
  scheduleTasks(of: { runTasks(): void }): void;
  scheduleDeadline(deadline: ScheduledDeadline, delayMs: number): void;
  cancelDeadline(deadline: ScheduledDeadline): void;
  adopt(take: () => AdoptedSocket, setUp: (connection: StreamConnection) => void): StreamConnection;
  owns(descriptor: number): boolean;
  connections(): StreamConnection[];
  dial(endpoint: Endpoint, outcome: DialOutcome): Attempt | null;
  abandonDial(attempt: Attempt): void;
  readonly datagrams: LoopDatagrams;
  /** The end of the loop waits for so much more, or less. */
  workWaits(change: 1 | -1): void;
  report(message: string, error: unknown): void;
  readonly readPool: SlabPool;
  received: DriverEvents['received'];
  failed: DriverEvents['failed'];
}

/** @param dials what gives a dial up, for as long as it is under way. */
export type DialFrom = (
  loop: FacedLoop,
  dials: Set<(reason: Error) => void>,
  address: string,
  options: RegisterOptions,
) => Promise<Conn>;

let known: DialFrom | null = null;

export function knowDialling(how: DialFrom): void {
  known = how;
}

export const dialFrom: DialFrom = async (loop, dials, address, options) => {
  if (known !== null) return known(loop, dials, address, options);
  throw new ErrUnsupportedOp(
    `cannot register '${address}': this thread has not loaded gnet; import it in the handler module`,
  );
};
