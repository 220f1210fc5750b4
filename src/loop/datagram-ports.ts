import { assert } from '../base/assert.ts';
import { ErrUnsupportedOp } from '../base/errors.ts';
import { inetAddress, mappedInet, portIn } from '../base/inet-address.ts';
import type {
  DatagramPeer,
  Driver,
  Endpoint,
  GivenSocket,
  Membership,
  SocketOptions,
} from '../driver/contract.ts';

/** The datagram endpoints of a loop, by number: none receives before `start` and after `close`. */
export class DatagramPorts {
  readonly #driver: Driver;
  readonly #addresses: (string | null)[] = [];
  readonly #numbers: number[] = [];
  readonly #endpoints: Endpoint[] = [];
  /** Sockets that were dialled, and numbers of such that are gone: they are used again. */
  readonly #dialled = new Set<number>();
  readonly #free: number[] = [];
  /** An endpoint is about to be closed. */
  onClosing: ((id: number) => void) | null = null;
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
    this.#endpoints[id] = endpoint;
    const address = this.#driver.endpointAddress(id);
    this.#addresses.push(address);
    this.#numbers[id] = portIn(address);
    return address;
  }

  /** A socket of its own that is connected to the endpoint, and receives. Returns its number. */
  async dial(endpoint: Endpoint, options: SocketOptions): Promise<number> {
    const id = this.#free.pop() ?? this.#addresses.push(null) - 1;
    const connected = { ...endpoint, connects: true };
    try {
      if (this.#driver.prepareEndpoint !== undefined) {
        await this.#driver.prepareEndpoint(id, connected, options);
      }
      this.#driver.bind(id, connected, options);
    } catch (error) {
      this.#free.push(id);
      throw error;
    }
    this.#dialled.add(id);
    const address = this.#driver.endpointAddress(id);
    this.#addresses[id] = address;
    this.#numbers[id] = portIn(address);
    try {
      this.#driver.startReceiving(id);
    } catch (error) {
      this.closeOne(id);
      throw error;
    }
    return id;
  }

  /**
   * Sends a datagram to whomever, from the first address that such go out of.
   * @throws SyscallError; ErrUnsupportedOp where there is none of that family.
   */
  sendTo(to: Endpoint, data: Uint8Array): void {
    assert(to.kind === 'udp', 'datagrams go by UDP');
    const id = this.reaching(to.family)[0];
    if (id === undefined) throw nothingReaches(to.family);
    const { family } = this.#endpoints[id] as Endpoint & { kind: 'udp' };
    const peer = inetAddress(to.family, to.host, to.port);
    const reached = family === to.family ? peer : mappedInet(peer);
    if (!this.#driver.sendDatagramNow(id, reached, data, null)) throw this.#driver.datagramError();
  }

  /** Of every endpoint that carries the family. @throws as `sendTo`; ErrInvalidOption. */
  changeMembership(joins: boolean, membership: Membership): void {
    const family = membership.group.includes(':') ? 6 : 4;
    const ids = this.reaching(family);
    if (ids.length === 0) throw nothingReaches(family);
    for (const id of ids) this.#driver.changeMembership(id, joins, membership);
  }

  /** The numbers of those that are open and carry this family. */
  reaching(wanted: 4 | 6): number[] {
    return [...this.#endpoints.keys()].filter((id) => {
      const endpoint = this.#endpoints[id];
      if (endpoint?.kind !== 'udp' || !this.isOpen(id) || this.#dialled.has(id)) return false;
      return endpoint.family === wanted || (endpoint.family === 6 && !endpoint.v6Only);
    });
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

  /** Stops receiving until `start`: arriving datagrams wait in the kernel. */
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
    this.onClosing?.(id);
    if (!this.isOpen(id)) return; // its session has closed it
    this.#addresses[id] = null;
    this.#driver.closeEndpoint(id);
    if (this.#dialled.delete(id)) this.#free.push(id);
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

  /** The same on all addresses of an endpoint; still known when it is closed. */
  port(id: number): number {
    return this.#numbers[id] ?? 0;
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

function nothingReaches(family: 4 | 6): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    `cannot reach IPv${family} by datagrams: the server has no address of UDP for it; ` +
      `listen on 'udp${family}://:0', too`,
  );
}
