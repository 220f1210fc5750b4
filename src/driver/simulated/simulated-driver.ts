import { assert } from '../../base/assert.ts';
import type { GnetError, SyscallError } from '../../base/errors.ts';
import { formatInet, inetAddress } from '../../base/inet-address.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import type {
  DatagramPeer,
  Driver,
  DriverCounters,
  DriverEvents,
  Endpoint,
  SocketOptions,
} from '../contract.ts';
import { countSleep, newCounters } from '../counters.ts';
import { Random } from './random.ts';
import type { SimulatedEnd } from './channel.ts';
import { SimulatedClock } from './faults.ts';
import { SimulatedListeners } from './listeners.ts';
import { SimulatedNetwork, simulatedError } from './network.ts';
import { SimulatedDatagrams } from './datagrams.ts';
import type { SimulatedDatagramPeer, SimulatedListenerPeer, SimulatedPeer } from './peer.ts';
import { defaultSettings, type SimulatedSettings } from './settings.ts';
import { SimulatedSlabs } from './slabs.ts';
import { SimulatedStream } from './stream.ts';

export {
  noFaults,
  roughFaults,
  SimulatedClock,
  type SimulatedFaults,
} from './faults.ts';
export type { SimulatedListenerPeer, SimulatedPeer } from './peer.ts';

const firstDescriptor = 3;
/** An idle wait looks this often whether something under way has arrived. */
const turnsPerWaitMax = 10_000;

/**
 * A driver in memory: no sockets, no threads, no time of its own. A seed decides how bytes are split
 * and delayed, how short sends are, what is refused and what breaks; the same seed and the same
 * calls give the same run. The far sides are objects that the test writes to and reads from:
 *
 *   const driver = new SimulatedDriver(events, { seed: 7 });
 *   driver.listen(0, endpoint, options);
 *   driver.startAccepting(0);
 *   const peer = driver.connectPeer(0);
 *   peer.write(Buffer.from('hello'));
 *   driver.wait(0); // accepted, received, ... and everything under way moves one step
 *
 * Delays are counted in waits, so that `wait(0)` in a loop gets anywhere. A wait that sleeps moves the
 * clock on.
 */
export class SimulatedDriver implements Driver {
  readonly name = 'simulated';
  readonly wakeDescriptor = -1;
  readonly pollableDescriptor = -1;
  readonly counters: DriverCounters = newCounters();
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  /** Of what is handed to `received` and `datagram`. */
  readonly pool: SimulatedSlabs;
  readonly #pools = new Map<number, SimulatedSlabs>();
  /** How many descriptors may be open; beyond it accepting fails with EMFILE. */
  descriptorsMax = Number.POSITIVE_INFINITY;
  readonly #settings: SimulatedSettings;
  readonly #events: DriverEvents;
  readonly #listeners: SimulatedListeners;
  readonly #datagrams: SimulatedDatagrams;
  readonly #streams = new Map<number, SimulatedStream>();
  readonly #descriptors = new Set<number>();
  readonly #watched = new Set<number>();
  readonly #signalled = new Set<number>();
  #woken = false;
  #closed = false;

  /** @param network one that it shares with other drivers. */
  constructor(
    events: DriverEvents,
    settings: Partial<SimulatedSettings> = {},
    network?: SimulatedNetwork,
  ) {
    this.#settings = { clock: new SimulatedClock(), ...defaultSettings, ...settings };
    this.#events = events;
    this.clock = this.#settings.clock;
    const { seed, faults } = this.#settings;
    this.network = network ?? new SimulatedNetwork(new Random(seed), faults);
    this.#listeners = new SimulatedListeners({
      network: this.network,
      events,
      hasDescriptors: () => this.#descriptors.size < this.descriptorsMax,
      openDescriptor: () => this.#openDescriptor(),
      freeDescriptor: (descriptor) => this.#descriptors.delete(descriptor),
    });
    this.pool = this.slabPool(this.#settings.slabBytes);
    this.#datagrams = new SimulatedDatagrams({
      network: this.network,
      events,
      counters: this.counters,
      pool: this.pool,
      datagramsPerWaitMax: this.#settings.datagramsPerWaitMax,
      tellsErrors: this.#settings.tellsDatagramErrors,
      openDescriptor: () => this.#openDescriptor(),
      freeDescriptor: (descriptor) => this.#descriptors.delete(descriptor),
    });
  }

  slabPool(slabBytes: number): SimulatedSlabs {
    const pool = this.#pools.get(slabBytes) ?? new SimulatedSlabs(slabBytes, this.network);
    this.#pools.set(slabBytes, pool);
    return pool;
  }

  // -- the far side -------------------------------------------------------------------------------
  /** A peer calls a listener of this driver, by its number or by any address. */
  connectPeer(target: number | string): SimulatedPeer {
    const address = typeof target === 'number' ? this.listenerAddress(target) : target;
    return this.network.connectPeer(address, this.#settings.channelBytes);
  }

  /** A peer listens, for `connect`. */
  listenPeer(endpoint: Endpoint): SimulatedListenerPeer {
    return this.network.listenPeer(endpoint, this.#settings.channelBytes);
  }

  datagramPeer(family: 4 | 6): SimulatedDatagramPeer {
    return this.network.datagramPeer(family);
  }

  /** Makes a watched descriptor ready: ends the next wait, or the one in progress, once. */
  signal(descriptor: number): void {
    this.#signalled.add(descriptor);
  }

  /** Numbers of the descriptors that are open, in ascending order. */
  openDescriptors(): readonly number[] {
    return [...this.#descriptors].sort((one, other) => one - other);
  }

  // -- waiting ------------------------------------------------------------------------------------
  wait(timeoutMs: number): number {
    assert(!this.#closed, 'a closed driver is not waited for');
    this.counters.waits++;
    const deadline = timeoutMs < 0 ? Number.POSITIVE_INFINITY : this.clock.now + timeoutMs;
    for (let turn = 0; turn < turnsPerWaitMax; turn++) {
      const moving = this.network.step();
      const events = this.#report();
      this.counters.events += events;
      if (events > 0 || this.#wakeUp() || timeoutMs === 0) return events;
      if (!moving && !this.#underWay()) break;
    }
    this.#sleepUntil(deadline);
    return 0;
  }

  /** Nothing will come by itself: the time passes. Without a limit the test gets its turn at once. */
  #sleepUntil(deadline: number): void {
    if (deadline === Number.POSITIVE_INFINITY) return;
    countSleep(this.counters, this.clock.now, deadline);
    this.clock.advance(deadline - this.clock.now);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Something will happen without anybody's doing. */
  get isMoving(): boolean {
    return this.network.isMoving || this.#underWay();
  }

  #underWay(): boolean {
    for (const stream of this.#streams.values()) if (stream.underWay) return true;
    return this.#datagrams.underWay || this.#listeners.someoneWaits;
  }

  #wakeUp(): boolean {
    let woken = this.#woken;
    this.#woken = false;
    for (const descriptor of this.#watched) {
      woken = this.#signalled.delete(descriptor) || woken;
    }
    return woken;
  }

  /** Every ready source once, in an order of the seed; each checked again when its turn comes. */
  #report(): number {
    const sources: (() => number)[] = [];
    for (const id of this.#listeners.ids()) {
      sources.push(() => this.#listeners.accept(id, this.#settings.acceptsPerWaitMax));
    }
    for (const id of this.#datagrams.ids) sources.push(() => this.#datagrams.report(id));
    for (const stream of this.#streams.values()) sources.push(() => stream.report());
    let events = 0;
    for (const report of this.network.random.shuffle(sources)) events += report();
    return events;
  }

  wake(): void {
    this.#woken = true;
  }

  watch(descriptor: number): void {
    this.#watched.add(descriptor);
  }

  unwatch(descriptor: number): void {
    this.#watched.delete(descriptor);
  }

  // -- listeners ----------------------------------------------------------------------------------
  listen(listener: number, endpoint: Endpoint, options: SocketOptions): void {
    const receiveBytes = options.receiveBufferBytes || this.#settings.channelBytes;
    this.#listeners.listen(listener, endpoint, receiveBytes);
  }

  startAccepting(listener: number): void {
    this.#listeners.get(listener).accepting = true;
  }

  pauseAccepting(listener: number): void {
    this.#listeners.get(listener).accepting = false;
  }

  drainBacklog(listener: number): void {
    this.#listeners.drain(listener);
  }

  closeListener(listener: number): void {
    this.#listeners.close(listener);
  }

  listenerAddress(listener: number): string {
    return this.#listeners.get(listener).address;
  }

  duplicateListener(listener: number): number {
    return this.#listeners.duplicate(listener);
  }

  // -- datagram endpoints -------------------------------------------------------------------------
  bind(endpointId: number, endpoint: Endpoint, _options: SocketOptions): void {
    this.#datagrams.bind(endpointId, endpoint);
  }

  startReceiving(endpointId: number): void {
    this.#datagrams.get(endpointId).receiving = true;
  }

  refreshCounters(): void {}

  sendDatagram(endpointId: number, peer: DatagramPeer, data: Uint8Array): boolean {
    return this.#datagrams.send(endpointId, peer, data);
  }

  sendDatagramNow(endpointId: number, peer: DatagramPeer, data: Uint8Array): boolean {
    return this.#datagrams.sendNow(endpointId, peer, data);
  }

  sendDatagrams(endpointId: number, peer: DatagramPeer, all: readonly Uint8Array[]): number {
    return all.filter((data) => this.#datagrams.send(endpointId, peer, data)).length;
  }

  readonly typeOfService = -1;
  setTypeOfService(): void {}
  changeMembership(): void {}

  datagramError(): GnetError {
    return this.#datagrams.lastRefusal;
  }

  sendDatagramFrom(
    endpointId: number,
    peer: DatagramPeer,
    slab: Slab,
    offset: number,
    length: number,
  ): boolean {
    return this.#datagrams.send(endpointId, peer, slab.bytes.subarray(offset, offset + length));
  }

  drainEndpoint(endpointId: number): void {
    this.#datagrams.drain(endpointId);
  }

  closeEndpoint(endpointId: number): void {
    this.#datagrams.close(endpointId);
  }

  formatPeer(peer: DatagramPeer): string {
    return formatInet(peer);
  }

  endpointAddress(endpointId: number): string {
    return this.#datagrams.get(endpointId).inbox.address;
  }

  duplicateEndpoint(endpointId: number): number {
    this.#datagrams.get(endpointId);
    return this.#openDescriptor();
  }

  // -- streams ------------------------------------------------------------------------------------
  openStream(slot: number, generation: number, descriptor: number, _options: SocketOptions): void {
    const end = this.#listeners.takeAccepted(descriptor);
    assert(end !== undefined, `descriptor ${descriptor} was accepted and not used yet`);
    this.#addStream(slot, generation, descriptor, end, null);
  }

  connect(slot: number, generation: number, endpoint: Endpoint, options: SocketOptions): void {
    const { random, faults } = this.network;
    const address =
      endpoint.kind === 'unix'
        ? endpoint.path
        : formatInet(inetAddress(endpoint.family, endpoint.host, endpoint.port));
    const receiveBytes = options.receiveBufferBytes || this.#settings.channelBytes;
    const refused = random.chance(faults.connectRefusal);
    const end = refused ? undefined : this.network.call(address, receiveBytes);
    const outcome =
      end === undefined
        ? simulatedError('ECONNREFUSED', 'connect', `connect to ${address}`, address)
        : 'connected';
    this.#addStream(slot, generation, this.#openDescriptor(), end ?? null, outcome);
  }

  #addStream(
    slot: number,
    generation: number,
    descriptor: number,
    end: SimulatedEnd | null,
    outcome: SyscallError | 'connected' | null,
  ): void {
    assert(!this.#streams.has(slot), `slot ${slot} is free`);
    const around = {
      network: this.network,
      events: this.#events,
      pool: this.pool,
      counters: this.counters,
      readBytesMax: this.#settings.readBytesMax,
    };
    const stream = new SimulatedStream(slot, generation, descriptor, around, end, outcome);
    this.#streams.set(slot, stream);
  }

  send(slot: number, slab: Slab, offset: number, length: number): number {
    return this.#stream(slot).send(slab.bytes.subarray(offset, offset + length));
  }

  sendBytes(slot: number, bytes: Uint8Array): number {
    return this.#stream(slot).send(bytes);
  }

  flush(slot: number, queue: OutboundQueue): boolean {
    return this.#stream(slot).flush(queue);
  }

  unsentBytes(slot: number): number {
    return this.#stream(slot).end?.other.inbound.held ?? 0;
  }

  handedOver(_slot: number): boolean {
    return true;
  }

  pauseReading(slot: number): void {
    this.#stream(slot).pause();
  }

  resumeReading(slot: number): void {
    this.#stream(slot).resume();
  }

  shutdownWrite(slot: number): void {
    this.#stream(slot).shutdownWrite();
  }

  closeStream(slot: number, abort: boolean): void {
    const stream = this.#stream(slot);
    this.#streams.delete(slot);
    stream.close(abort);
    this.#descriptors.delete(stream.descriptor);
  }

  closeDescriptor(descriptor: number): void {
    this.#listeners.takeAccepted(descriptor)?.close(false);
    assert(this.#descriptors.delete(descriptor), `descriptor ${descriptor} is open`);
  }

  unreadBytes(slot: number): number {
    return this.#stream(slot).unreadBytes;
  }

  wish(): void {}

  descriptorOf(slot: number): number {
    return this.#stream(slot).descriptor;
  }

  localAddress(slot: number): string {
    return this.#stream(slot).end?.localAddress ?? '';
  }

  remoteAddress(slot: number): string {
    return this.#stream(slot).end?.remoteAddress ?? '';
  }

  isUnix(slot: number): boolean {
    // Our end, and so one of ours: those of IP begin with a digit or a bracket.
    return /^[^\d[]/.test(this.localAddress(slot));
  }

  #stream(slot: number): SimulatedStream {
    const stream = this.#streams.get(slot);
    assert(stream !== undefined, `slot ${slot} has a stream`);
    return stream;
  }

  /** The lowest free number, as a kernel does: whoever takes it for an identity is found out. */
  #openDescriptor(): number {
    let descriptor = firstDescriptor;
    while (this.#descriptors.has(descriptor)) descriptor++;
    this.#descriptors.add(descriptor);
    return descriptor;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const slot of [...this.#streams.keys()]) this.closeStream(slot, true);
    for (const endpoint of [...this.#datagrams.ids]) this.closeEndpoint(endpoint);
    this.#listeners.closeAll();
    this.network.step();
  }
}
