import type { Driver, Endpoint, GivenSocket, SocketOptions } from '../driver/contract.ts';
import type { Logger } from '../logging/logger.ts';
import { Acceptors } from './acceptors.ts';
import { DatagramPorts } from './datagram-ports.ts';

/** What a loop listens on: listeners of streams, and datagram endpoints. */
export class Listening {
  readonly acceptors: Acceptors;
  readonly ports: DatagramPorts;
  readonly #driver: Driver;
  readonly #options: SocketOptions;
  /** In the order of `listen`: what another process would be given. */
  readonly #sockets: (() => GivenSocket | undefined)[] = [];

  constructor(
    driver: Driver,
    options: SocketOptions,
    maxConnections: number,
    logger: Logger,
    currentTime: () => number,
  ) {
    this.#driver = driver;
    this.#options = options;
    this.acceptors = new Acceptors(driver, maxConnections, logger, currentTime);
    this.ports = new DatagramPorts(driver);
  }

  /** Does ahead of `listen` what the driver cannot do at once; rejects as `listen` throws. */
  async prepare(endpoint: Endpoint): Promise<void> {
    if (endpoint.kind === 'udp') await this.ports.prepare(endpoint, this.#options);
    else {
      const { length } = this.acceptors.listeners;
      await this.#driver.prepareListener?.(length, endpoint, this.#options);
    }
  }

  /** Binds an address; nothing is accepted or received yet. Returns the real address. */
  listen(endpoint: Endpoint): string {
    const driver = this.#driver;
    if (endpoint.kind === 'udp') {
      const port = this.ports.count;
      const address = this.ports.bind(endpoint, this.#options);
      this.#sockets.push(() => this.ports.socket(port));
      return address;
    }
    const { listeners } = this.acceptors;
    const id = listeners.length;
    driver.listen(id, endpoint, this.#options);
    listeners.push(id);
    this.#sockets.push(() => driver.listenerSocket?.(id));
    return driver.listenerAddress(id);
  }

  /** @throws SyscallError when the driver takes no more. */
  accept(): void {
    this.acceptors.start();
    this.ports.start();
  }

  /** Does ahead of `drain` what the driver cannot do at once. */
  async prepareDrain(): Promise<void> {
    const { accepting, listeners } = this.acceptors;
    if (!accepting) return;
    for (const listener of listeners) await this.#driver.prepareDrain?.(listener);
    await this.ports.prepareDrain();
  }

  /** Serves what waits, connections and datagrams, then refuses. */
  drain(): void {
    if (!this.acceptors.accepting) return;
    this.acceptors.stop();
    this.ports.drain();
  }

  /** Another process accepts and receives from now on: what waits is for that one. */
  leave(): void {
    if (!this.acceptors.accepting) return;
    this.acceptors.leave();
    this.ports.pause();
  }

  /**
   * What another process is to be given, in the order of `listen`; undefined where this driver can give
   * nothing away.
   * @throws ErrUnsupportedOp for a socket that cannot be given.
   */
  sockets(): (GivenSocket | undefined)[] {
    return this.#sockets.map((socket) => socket());
  }

  /** A duplicate of the first listener's (or endpoint's) descriptor. */
  duplicate(): number {
    if (this.acceptors.listeners.length > 0) return this.#driver.duplicateListener(0);
    return this.#driver.duplicateEndpoint(0);
  }
}
