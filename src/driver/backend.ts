import type { LoopHost } from '../host/contract.ts';
import type {
  Driver,
  DriverEvents,
  DriverName,
  DriverSettings,
  SocketOptions,
} from './contract.ts';

/** Options that only make a server faster or smaller, so that a driver may leave them out. */
export interface TuningOptions
  extends Pick<SocketOptions, 'receiveBufferBytes' | 'sendBufferBytes'> {
  readonly busyPollMicroseconds: number;
}

/** A driver that was tried before the one that was taken. */
export interface RefusedDriver {
  readonly name: DriverName;
  readonly reason: string;
}

/** A driver that works here, and who gives its loops their turns. */
export interface Backend {
  readonly name: DriverName;
  readonly host: LoopHost;
  /** Better drivers that do not work here; empty when the program named the driver. */
  readonly refused?: readonly RefusedDriver[];
  /**
   * False: its sockets cannot be given to another thread, so with several loops each listens by
   * itself, as with `reusePort`.
   */
  readonly handsOver?: false;
  /** Names of options that were given and that this driver cannot honour; the program is told. */
  readonly optionsWithoutEffect?: (options: TuningOptions) => readonly string[];
  create(events: DriverEvents, settings: DriverSettings): Driver;
}
