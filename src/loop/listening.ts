import { ErrUnsupportedOp } from '../base/errors.ts';
import { nextTurn } from '../base/next-turn.ts';
import type { Driver, Endpoint, GivenSocket, SocketOptions } from '../driver/contract.ts';
import type { RepeatedReports } from '../logging/repeated-reports.ts';
import { AcceptGate } from './accept-gate.ts';
import { DatagramPorts } from './datagram-ports.ts';
import type { EventLoopSettings } from './event-loop-settings.ts';

/** One address that a loop listens on. */
interface Place {
  readonly isPort: boolean;
  /** Of the listener or the endpoint, in the driver. */
  readonly id: number;
  isOpen: boolean;
}

/** What a loop listens on: listeners of streams, and datagram endpoints, numbered as they were opened. */
export class Listening {
  readonly acceptGate: AcceptGate;
  readonly ports: DatagramPorts;
  readonly #driver: Driver;
  readonly #options: SocketOptions;
  readonly #places: Place[] = [];
  /** Numbers of listeners are not used again. */
  #listeners = 0;

  constructor(
    driver: Driver,
    { connection, maxConnections }: EventLoopSettings,
    reports: RepeatedReports,
    currentTime: () => number,
  ) {
    this.#driver = driver;
    this.#options = connection.socket;
    this.acceptGate = new AcceptGate(driver, maxConnections, reports, currentTime);
    this.ports = new DatagramPorts(driver);
  }

  /** Does ahead of `listen` what the driver cannot do at once; rejects as `listen` throws. */
  async prepare(endpoint: Endpoint): Promise<void> {
    if (endpoint.kind === 'udp') await this.ports.prepare(endpoint, this.#options);
    else await this.#driver.prepareListener?.(this.#listeners, endpoint, this.#options);
  }

  /** Binds an address; nothing is accepted or received yet. Returns the real address. */
  listen(endpoint: Endpoint): string {
    if (endpoint.kind === 'udp') {
      const id = this.ports.count;
      const address = this.ports.bind(endpoint, this.#options);
      this.#places.push({ isPort: true, id, isOpen: true });
      return address;
    }
    const id = this.#listeners;
    this.#driver.listen(id, endpoint, this.#options);
    this.#listeners++;
    this.acceptGate.listeners.push(id);
    this.#places.push({ isPort: false, id, isOpen: true });
    return this.#driver.listenerAddress(id);
  }

  /**
   * As `prepare` and `listen`, of a loop that runs.
   * @param holds it accepts when the others do, which do not yet.
   */
  async listenNow(endpoint: Endpoint, holds: boolean): Promise<string> {
    await this.prepare(endpoint);
    const address = this.listen(endpoint);
    const { isPort, id } = this.#places.at(-1) as Place;
    if (isPort) {
      if (!holds) this.ports.startOne(id);
    } else {
      this.acceptGate.listeners.pop();
      this.acceptGate.add(id);
    }
    return address;
  }

  /** How many addresses there are, or were. */
  get count(): number {
    return this.#places.length;
  }

  /** Serves what waits at one address, and closes it. */
  async close(index: number): Promise<void> {
    const place = this.#places[index];
    if (place?.isOpen !== true) return;
    place.isOpen = false;
    const { id } = place;
    if (place.isPort) {
      // Held back: the process before serves what waits there.
      if (this.acceptGate.accepting) await this.ports.drainOne(id);
      this.ports.closeOne(id);
      return;
    }
    await this.#driver.prepareDrain?.(id);
    if (!this.acceptGate.listeners.includes(id)) return;
    this.acceptGate.remove(id);
    this.#driver.closeListener(id);
  }

  /** @throws SyscallError if the driver has no room. */
  accept(): void {
    this.acceptGate.start();
    this.ports.start();
  }

  /** Does ahead of `drain` what the driver cannot do at once. */
  async prepareDrain(): Promise<void> {
    const { accepting, listeners } = this.acceptGate;
    if (!accepting) return;
    for (const listener of listeners) await this.#driver.prepareDrain?.(listener);
    await this.ports.prepareDrain();
  }

  /** Serves what waits, connections and datagrams, then refuses. */
  drain(): void {
    if (!this.acceptGate.accepting) return;
    this.acceptGate.stop();
    this.ports.drain();
  }

  /**
   * Another process accepts and receives from now on: what waits is for that one. Resolves after a turn
   * of the loop: what follows runs for the first time, and clients wait meanwhile.
   */
  async leave(): Promise<void> {
    if (this.acceptGate.accepting) {
      this.acceptGate.leave();
      this.ports.pause();
    }
    await nextTurn();
  }

  /**
   * What another process is to be given, in the order of `listen`: null for what was closed, undefined
   * where this driver can give nothing away.
   * @throws ErrUnsupportedOp for a socket that cannot be given.
   */
  sockets(): (GivenSocket | null | undefined)[] {
    return this.#places.map(({ isPort, id, isOpen }) => {
      if (!isOpen) return null;
      return isPort ? this.ports.socket(id) : this.#driver.listenerSocket?.(id);
    });
  }

  /** There is an address that was not closed. */
  get listensSomewhere(): boolean {
    return this.#places.some(({ isOpen }) => isOpen);
  }

  /**
   * A duplicate of the first listener's descriptor, or else the first endpoint's.
   * @throws ErrUnsupportedOp when every address was closed; SyscallError EMFILE.
   */
  duplicate(): number {
    const [first] = this.acceptGate.listeners;
    if (first !== undefined) return this.#driver.duplicateListener(first);
    const port = this.#places.find(({ isOpen, isPort }) => isOpen && isPort);
    if (port === undefined) throw listensNowhere();
    return this.#driver.duplicateEndpoint(port.id);
  }
}

export function listensNowhere(): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    'cannot duplicate the listener: the server has none any more; call listen first',
  );
}
