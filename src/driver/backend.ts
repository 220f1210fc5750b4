import type { LoopHost } from '../host/contract.ts';
import type { Driver, DriverEvents, DriverName, DriverSettings } from './contract.ts';

/** A driver that works here, and who gives its loops their turns. */
export interface Backend {
  readonly name: DriverName;
  readonly host: LoopHost;
  create(events: DriverEvents, settings: DriverSettings): Driver;
}
