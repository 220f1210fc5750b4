import type { Backend } from '../backend.ts';
import { type SimulatedFaults, SimulatedClock } from './faults.ts';
import { SimulatedNetwork } from './network.ts';
import { Random } from './random.ts';
import { SimulatedDriver } from './simulated-driver.ts';
import { SimulatedHost, type SteppedTimers } from './simulated-host.ts';

export interface WorldSettings {
  readonly seed: number;
  readonly faults: SimulatedFaults;
  readonly timers: SteppedTimers | undefined;
  /** What one side of a stream holds for its reader. */
  readonly channelBytes: number;
}

/** One network, one clock, and the loops on them: those of several servers and clients. */
export class SimulatedWorld {
  readonly clock = new SimulatedClock();
  readonly network: SimulatedNetwork;
  readonly host: SimulatedHost;
  readonly backend: Backend;
  readonly channelBytes: number;
  /** How many descriptors one loop may have open; beyond it accepting fails with EMFILE. */
  #descriptorsMax = Number.POSITIVE_INFINITY;
  #drivers: SimulatedDriver[] = [];

  constructor({ seed, faults, timers, channelBytes }: WorldSettings) {
    const { clock } = this;
    this.channelBytes = channelBytes;
    this.network = new SimulatedNetwork(new Random(seed), faults);
    this.host = new SimulatedHost({
      clock,
      timers,
      step: () => this.network.step(),
      isMoving: () => this.#isMoving,
    });
    this.backend = {
      name: 'simulated',
      host: this.host,
      create: (events, { readBufferBytes, headroomBytes, tellsDatagramErrors = false }) => {
        const slabBytes = headroomBytes + readBufferBytes;
        const sizes = { slabBytes, readBytesMax: readBufferBytes, channelBytes };
        const settings = { clock, tellsDatagramErrors, ...sizes };
        const driver = new SimulatedDriver(events, settings, this.network);
        driver.descriptorsMax = this.#descriptorsMax;
        this.#drivers.push(driver);
        return driver;
      },
    };
  }

  get #isMoving(): boolean {
    this.#drivers = this.#drivers.filter(({ isClosed }) => !isClosed);
    if (this.#drivers.length === 0) return this.network.isMoving;
    return this.#drivers.some(({ isMoving }) => isMoving);
  }

  get descriptorsMax(): number {
    return this.#descriptorsMax;
  }

  set descriptorsMax(most: number) {
    this.#descriptorsMax = most;
    for (const driver of this.#drivers) driver.descriptorsMax = most;
  }
}
