import type { LoopHost } from '../host/contract.ts';
import type { Driver, DriverEvents, DriverName, DriverSettings } from './contract.ts';

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
  create(events: DriverEvents, settings: DriverSettings): Driver;
}
