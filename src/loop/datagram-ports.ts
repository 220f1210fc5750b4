import type {
  DatagramPeer,
  Driver,
  Endpoint,
  GivenSocket,
  SocketOptions,
} from '../driver/contract.ts';

/** The datagram endpoints of a loop, by number: none receives before `start` and after `close`. */
export class DatagramPorts {
  readonly #driver: Driver;
  readonly #addresses: (string | null)[] = [];
  /** Most datagrams are sent to the same address, which then is the same object. */
  #lastLocal: DatagramPeer | null = null;
  #lastText = '';

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  async prepare(endpoint: Endpoint, options: SocketOptions): Promise<void> {
    await this.#driver.prepareEndpoint?.(this.#addresses.length, endpoint, options);
  }

  /** Binds; returns the real address. */
  bind(endpoint: Endpoint, options: SocketOptions): string {
    const id = this.#addresses.length;
    this.#driver.bind(id, endpoint, options);
    const address = this.#driver.endpointAddress(id);
    this.#addresses.push(address);
    return address;
  }

  /** How many there are, or were. */
  get count(): number {
    return this.#addresses.length;
  }

  start(): void {
    for (const id of this.#addresses.keys()) {
      if (this.isOpen(id)) this.#driver.startReceiving(id);
    }
  }

  /** Receives no more until `start`: what comes waits in the kernel. */
  pause(): void {
    for (const id of this.#addresses.keys()) {
      if (this.isOpen(id)) this.#driver.pauseReceiving?.(id);
    }
  }

  /** Undefined where the driver can give nothing away. @throws ErrUnsupportedOp for this one. */
  socket(id: number): GivenSocket | undefined {
    return this.#driver.endpointSocket?.(id);
  }

  /** Does ahead of `drain` what the driver cannot do at once. */
  async prepareDrain(): Promise<void> {
    for (const id of this.#addresses.keys()) {
      if (this.isOpen(id)) await this.#driver.prepareEndpointDrain?.(id);
    }
  }

  /** Hands out what waits; from now on nothing is received, and answers still go out. */
  drain(): void {
    for (const id of this.#addresses.keys()) if (this.isOpen(id)) this.#driver.drainEndpoint(id);
  }

  close(): void {
    for (const id of this.#addresses.keys()) this.closeOne(id);
  }

  closeOne(id: number): void {
    if (!this.isOpen(id)) return;
    this.#addresses[id] = null;
    this.#driver.closeEndpoint(id);
  }

  /** One more receives. */
  startOne(id: number): void {
    this.#driver.startReceiving(id);
  }

  /** It hands out what waits; later answers still go out through it until it is closed. */
  async drainOne(id: number): Promise<void> {
    await this.#driver.prepareEndpointDrain?.(id);
    if (this.isOpen(id)) this.#driver.drainEndpoint(id);
  }

  isOpen(id: number): boolean {
    return (this.#addresses[id] ?? null) !== null;
  }

  /** `local` is the address that a datagram was sent to, where the endpoint has several. */
  address(id: number, local: DatagramPeer | null): string {
    if (local === null) return this.#addresses[id] ?? '';
    if (local !== this.#lastLocal) {
      this.#lastText = this.#driver.formatPeer(local);
      this.#lastLocal = local;
    }
    return this.#lastText;
  }
}
