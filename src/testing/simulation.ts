import {
  giveDriver,
  type SimulatedFaults,
  type SimulatedPeer,
  SimulatedWorld,
  simulatedError,
  type SteppedTimers,
} from '../driver/simulated/index.ts';
import { ErrInvalidNetworkAddress, ErrInvalidOption, type GivenDriver } from '../index.ts';
import { withoutFaultsBut } from './faults.ts';
import { targetOf } from './raw-client.ts';
import { SimulatedClient, type SimulatedClientOptions } from './simulated-client.ts';
import { SimulatedDatagrams } from './simulated-datagrams.ts';
import { SimulatedListener } from './simulated-listener.ts';

const channelBytesDefault = 256 * 1024;
const longestMs = 2 ** 40;

export interface SimulationOptions {
  /** Decides what goes wrong, and when: the same seed gives the same run. Default: 1. */
  readonly seed?: number;
  /** What may go wrong. Default: nothing; all bytes arrive whole, at once. */
  readonly faults?: Partial<SimulatedFaults>;
  /**
   * Other timers that follow the clock of the simulation: `mock.timers` of `node:test`, for example.
   * Enable them before.
   */
  readonly timers?: SteppedTimers;
  /**
   * Bytes that one side of a connection holds for its reader until the other side can send no more.
   * Default: 256 KiB.
   */
  readonly channelBytes?: number;
}

/** The time of a simulation: it stands still until the test lets it pass. */
export interface SimulationClock {
  /** Milliseconds since the simulation began. */
  readonly now: number;
  /**
   * Lets time pass: deadlines, ticks and timers (`c.setTimer`) that are due happen on the way, in their
   * order. Resolves when what follows from them has happened, too.
   */
  advance(milliseconds: number): Promise<void>;
}

/** What waits for something that happens in the simulation. */
interface Waiter {
  readonly wanted: string;
  readonly isThere: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A network in memory, with a clock of its own: servers and clients that are given its `driver` run on
 * it, in this thread, without a socket. Nothing in it takes time. It runs by itself as long as anything
 * is under way, then rests until the test does something.
 */
export class Simulation {
  readonly seed: number;
  /** For the option `driver` of `serve`, `client` and the packages that stand on them. */
  readonly driver: GivenDriver;
  readonly clock: SimulationClock;
  readonly #world: SimulatedWorld;
  #clients: SimulatedClient<unknown>[] = [];
  #waiters: Waiter[] = [];

  /** @throws ErrInvalidOption. */
  constructor(options: SimulationOptions = {}) {
    const { seed = 1, faults = {}, timers, channelBytes = channelBytesDefault } = options;
    if (!Number.isSafeInteger(seed)) {
      throw new ErrInvalidOption(`cannot simulate with seed ${String(seed)}: give a whole number`);
    }
    this.seed = seed;
    const world = new SimulatedWorld({
      seed,
      faults: withoutFaultsBut(faults),
      timers,
      channelBytes,
    });
    this.#world = world;
    this.driver = giveDriver(world.backend);
    this.clock = {
      get now() {
        return world.clock.now;
      },
      advance: (milliseconds) => this.#advance(milliseconds),
    };
    world.host.onTurn = () => this.#look();
    world.host.onRest = () => this.#atRest();
  }

  /** What may go wrong from now on; what is not named goes right. @throws ErrInvalidOption. */
  setFaults(faults: Partial<SimulatedFaults>): void {
    this.#world.network.faults = withoutFaultsBut(faults);
  }

  /**
   * How many descriptors each loop may have open: beyond it, accepting fails with `EMFILE` and listeners
   * rest. Default: no limit.
   */
  get descriptorsMax(): number {
    return this.#world.descriptorsMax;
  }

  set descriptorsMax(most: number) {
    this.#world.descriptorsMax = most;
  }

  /**
   * Resolves when nothing is under way and every promise of a handler has settled. Time does not pass.
   * @throws if two sides go on answering each other.
   */
  settled(): Promise<void> {
    return this.#world.host.settled();
  }

  /**
   * Connects to a server of the simulation.
   * @param address as servers print it: `server.addr`.
   * @throws SyscallError ECONNREFUSED if nobody listens there.
   */
  async connect<Frame = Buffer>(
    address: string,
    options: SimulatedClientOptions<Frame> = {},
  ): Promise<SimulatedClient<Frame>> {
    const { network, channelBytes } = this.#world;
    const peer = network.connectPeer(address, channelBytes);
    if (!peer.connected) {
      throw simulatedError('ECONNREFUSED', 'connect', `connect to ${address}`, address);
    }
    return this.#adopt(peer, options);
  }

  /**
   * Listens, for programs that dial.
   * @param address `tcp://127.0.0.1:0`, `unix:///run/sock`; port 0 asks for a free one.
   * @throws ErrInvalidNetworkAddress; SyscallError EADDRINUSE, EADDRNOTAVAIL.
   */
  listen(address = 'tcp://127.0.0.1:0'): SimulatedListener {
    const [, scheme, rest = ''] = /^(tcp[46]?|unix):\/\/(.+)$/.exec(address) ?? [];
    const target = targetOf(rest);
    if (scheme === undefined || (scheme !== 'unix' && 'path' in target)) {
      throw new ErrInvalidNetworkAddress(
        `cannot listen on '${address}': give tcp://127.0.0.1:0 or unix:///path`,
        { address },
      );
    }
    const { network, channelBytes } = this.#world;
    const endpoint =
      'path' in target || scheme === 'unix'
        ? ({ kind: 'unix', path: rest } as const)
        : ({
            kind: 'tcp',
            family: target.host.includes(':') ? 6 : 4,
            v6Only: false,
            ...target,
          } as const);
    return new SimulatedListener(network.listenPeer(endpoint, channelBytes), {
      adopt: (peer, options) => this.#adopt(peer, options),
      until: (wanted, isThere) => this.#until(wanted, isThere),
    });
  }

  /** A UDP socket with an address of its own. @param family 4: `127.0.0.1`; 6: `::1`. */
  datagrams(family: 4 | 6 = 4): SimulatedDatagrams {
    return new SimulatedDatagrams(this.#world.network.datagramPeer(family), {
      requestTurn: () => this.#world.host.requestTurn(),
      until: (wanted, isThere) => this.#until(wanted, isThere),
    });
  }

  #adopt<Frame>(
    peer: SimulatedPeer,
    options: SimulatedClientOptions<Frame>,
  ): SimulatedClient<Frame> {
    const { host } = this.#world;
    const client = new SimulatedClient(peer, { requestTurn: () => host.requestTurn() }, options);
    this.#clients.push(client as SimulatedClient<unknown>);
    host.requestTurn();
    return client;
  }

  #advance(milliseconds: number): Promise<void> {
    if (milliseconds >= 0 && milliseconds <= longestMs) {
      return this.#world.host.advance(milliseconds);
    }
    const why = `give milliseconds from 0 to ${longestMs}`;
    throw new ErrInvalidOption(`cannot advance the clock by ${String(milliseconds)}: ${why}`);
  }

  /** Asks for turns, once: somebody waits, and is told if nothing comes. */
  #until(wanted: string, isThere: () => boolean): Promise<void> {
    this.#world.host.requestTurn();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ wanted, isThere, resolve, reject });
    });
  }

  #look(): void {
    this.#clients = this.#clients.filter((client) => client.look());
    this.#waiters = this.#waiters.filter(({ isThere, resolve }) => {
      if (!isThere()) return true;
      resolve();
      return false;
    });
  }

  #atRest(): void {
    const why =
      `nothing is under way any more (seed ${this.seed}): ` +
      'advance the clock, or wait for what the handler waits for';
    for (const client of this.#clients) client.atRest(why);
    for (const { wanted, reject } of this.#waiters.splice(0)) {
      reject(new Error(`cannot ${wanted}; ${why}`));
    }
  }
}
