import net, { type Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import { ErrUnsupportedOp, type GnetError } from '../../base/errors.ts';
import { formatInet } from '../../base/inet-address.ts';
import { nextTurn } from '../../base/next-turn.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import { silence } from '../../host/runtime-socket.ts';
import { sleepClock } from '../../host/runtime-features.ts';
import type { TuningOptions } from '../backend.ts';
import type {
  AdoptedSocket,
  DatagramPeer,
  Driver,
  DriverCounters,
  DriverEvents,
  DriverSettings,
  Endpoint,
  GivenSocket,
  Membership,
  SocketOptions,
  SocketWish,
} from '../contract.ts';
import { newCounters } from '../counters.ts';
import { endpointText } from './address-text.ts';
import { NodeDatagrams } from './datagrams.ts';
import { HalfOpenStreams } from './half-open.ts';
import { heapSlabPool } from './heap-memory.ts';
import { cannotAdopt } from '../adoption.ts';
import { describeSocket, ownEnd } from './describe-socket.ts';
import {
  type AcceptedSocket,
  acceptedSocket,
  type ListenerOwner,
  NodeListeners,
} from './listeners.ts';
import { refuseWhatCannotBe } from './open-listener.ts';
import { pipePath } from './pipe-path.ts';
import type { Reporter } from './reporter.ts';
import { NodeStream } from './stream.ts';

/**
 * A driver over the runtime's own sockets, for systems without a native one and for hosts that forbid
 * FFI. The runtime pushes; this notes who has something and asks for a turn, in which `wait` reports
 * it. It never sleeps: `wait` returns at once, whatever the timeout.
 *
 * What it cannot do, because there is no descriptor: duplicate and hand over sockets, stop accepting
 * (see `node/listeners.ts`), set buffer sizes of TCP connections. `docs/drivers.md` lists it all.
 */
export class NodeDriver implements Driver, ListenerOwner {
  readonly name = 'node';
  readonly wakeDescriptor = -1;
  readonly pollableDescriptor = -1;
  readonly reportsLater = true;
  readonly counters: DriverCounters = countersOfThread();
  readonly halfOpen: HalfOpenStreams = new HalfOpenStreams();
  readonly events: DriverEvents;
  readonly headroomBytes: number;
  readonly readBytes: number;
  readonly tellsDatagramErrors: boolean;
  readonly #requestTurn: () => void;
  readonly #readPool: SlabPool;
  #readSlab: Slab;
  #ready: Reporter[] = [];
  readonly #listeners: NodeListeners;
  readonly #datagrams: NodeDatagrams;
  readonly #streams: (NodeStream | undefined)[] = [];
  readonly #accepted = new Map<number, AcceptedSocket>();
  #nextAccepted = 1;
  #closed = false;

  /** @param requestTurn asks for a `wait` soon; called from anywhere, also from inside `wait`. */
  constructor(events: DriverEvents, settings: DriverSettings, requestTurn: () => void) {
    this.events = events;
    this.headroomBytes = settings.headroomBytes;
    this.readBytes = settings.readBufferBytes;
    this.tellsDatagramErrors = settings.tellsDatagramErrors === true;
    this.#requestTurn = requestTurn;
    this.#readPool = heapSlabPool(settings.headroomBytes + settings.readBufferBytes);
    this.#readSlab = this.#readPool.take();
    this.#listeners = new NodeListeners(this);
    this.#datagrams = new NodeDatagrams(this);
  }

  slabPool(slabBytes: number): SlabPool {
    return heapSlabPool(slabBytes);
  }

  // -- what the parts need ------------------------------------------------------------------------

  enqueue(reporter: Reporter): void {
    if (reporter.queued || this.#closed) return;
    reporter.queued = true;
    this.#ready.push(reporter);
    if (this.#ready.length === 1) this.#requestTurn();
  }

  readSlab(): Slab {
    if (this.#readSlab.references !== 1 || this.#readSlab.detached) {
      this.#readPool.release(this.#readSlab);
      this.#readSlab = this.#readPool.take();
    }
    this.#readSlab.floor = 0;
    return this.#readSlab;
  }

  keepAccepted(accepted: AcceptedSocket): number {
    const descriptor = this.#nextAccepted++;
    this.#accepted.set(descriptor, accepted);
    return descriptor;
  }

  // -- waiting ------------------------------------------------------------------------------------

  wait(_timeoutMs: number): number {
    this.counters.waits++;
    const ready = this.#ready;
    if (ready.length === 0) return 0;
    this.#ready = [];
    let count = 0;
    for (const reporter of ready) {
      reporter.queued = false;
      count += reporter.report();
    }
    this.counters.events += count;
    return count;
  }

  wake(): void {
    this.#requestTurn();
  }
  watch(descriptor: number): void {
    throw new ErrUnsupportedOp(
      `cannot watch descriptor ${descriptor}: this driver uses the runtime's sockets, not the kernel's`,
    );
  }
  unwatch(_descriptor: number): void {}

  // -- listeners and datagram endpoints -----------------------------------------------------------

  prepareListener(listener: number, endpoint: Endpoint, options: SocketOptions): Promise<void> {
    return this.#listeners.prepare(listener, endpoint, options);
  }
  prepareEndpoint(endpointId: number, endpoint: Endpoint, options: SocketOptions): Promise<void> {
    return this.#datagrams.prepare(endpointId, endpoint, options);
  }
  listen(listener: number, _endpoint: Endpoint, _options: SocketOptions): void {
    this.#listeners.listen(listener);
  }
  startAccepting(listener: number): void {
    this.#listeners.get(listener).start();
  }
  prepareDrain(listener: number): Promise<void> {
    return this.#listeners.get(listener).settle();
  }
  drainBacklog(listener: number): void {
    this.#listeners.get(listener).drain();
  }
  pauseAccepting(listener: number): void {
    this.#listeners.get(listener).pause();
  }
  closeListener(listener: number): void {
    this.#listeners.close(listener);
  }
  bind(endpointId: number, _endpoint: Endpoint, _options: SocketOptions): void {
    this.#datagrams.bind(endpointId);
  }
  startReceiving(endpointId: number): void {
    this.#datagrams.get(endpointId).start();
  }
  /** All counts are the driver's own: it cannot ask for those of the kernel. */
  refreshCounters(): void {}

  sendDatagram(endpointId: number, peer: DatagramPeer, data: Uint8Array): boolean {
    return this.#datagrams.send(endpointId, peer, data);
  }
  /** As far as this driver can know: what the kernel says comes as `datagramFailed`. */
  sendDatagramNow(endpointId: number, peer: DatagramPeer, data: Uint8Array): boolean {
    return this.#datagrams.send(endpointId, peer, data);
  }
  sendDatagrams(endpointId: number, peer: DatagramPeer, datagrams: readonly Uint8Array[]): number {
    return datagrams.filter((data) => this.#datagrams.send(endpointId, peer, data)).length;
  }
  readonly typeOfService = -1;
  setTypeOfService(_endpointId: number, _value: number): void {
    throw new ErrUnsupportedOp(
      "cannot set the type of service: the driver 'node' cannot; use a native driver for that",
    );
  }
  changeMembership(endpointId: number, joins: boolean, membership: Membership): void {
    this.#datagrams.get(endpointId).changeMembership(joins, membership);
  }
  datagramError(): GnetError {
    return this.#datagrams.lastRefusal();
  }
  sendDatagramFrom(
    endpointId: number,
    peer: DatagramPeer,
    slab: Slab,
    offset: number,
    length: number,
  ): boolean {
    const bytes = slab.bytes.subarray(offset, offset + length);
    return this.#datagrams.send(endpointId, peer, bytes);
  }
  prepareEndpointDrain(endpointId: number): Promise<void> {
    return this.#datagrams.settle(endpointId);
  }
  drainEndpoint(endpointId: number): void {
    this.#datagrams.get(endpointId).drain();
  }
  closeEndpoint(endpointId: number): void {
    this.#datagrams.close(endpointId);
  }
  formatPeer(peer: DatagramPeer): string {
    return formatInet(peer);
  }
  listenerAddress(listener: number): string {
    return this.#listeners.get(listener).opened.address;
  }
  endpointAddress(endpointId: number): string {
    return this.#datagrams.get(endpointId).address;
  }
  duplicateListener(_listener: number): number {
    throw noDescriptor('duplicate the listener');
  }
  duplicateEndpoint(_endpointId: number): number {
    throw noDescriptor('duplicate the datagram socket');
  }

  // -- sockets that go to another process -----------------------------------------------------------

  listenerSocket(listener: number): GivenSocket {
    return this.#listeners.get(listener).socket;
  }
  leaveListener(listener: number): void {
    this.#listeners.get(listener).leave();
  }
  endpointSocket(endpointId: number): GivenSocket {
    const { address } = this.#datagrams.get(endpointId);
    throw new ErrUnsupportedOp(
      `cannot give the datagram socket on ${address} to another process: the driver 'node' can ` +
        'neither tell its descriptor nor stop reading from it; use a native driver for that',
      { address },
    );
  }
  pauseReceiving(_endpointId: number): void {}
  adopt(descriptor: number, options: SocketOptions): AdoptedSocket {
    const described = describeSocket(descriptor);
    const { kind, address, listens } = described;
    if (listens || (kind !== 'tcp' && kind !== 'unix')) throw cannotAdopt(descriptor, described);
    const { tcpNoDelay, keepAliveSeconds } = options;
    const paused = { pauseOnCreate: true }; // as `pauseOnConnect` of a listener does it
    const socket = new net.Socket({ fd: descriptor, allowHalfOpen: true, ...paused });
    if (kind === 'tcp') {
      socket.setNoDelay(tcpNoDelay);
      socket.setKeepAlive(keepAliveSeconds > 0, keepAliveSeconds * 1_000);
    }
    const accepted = acceptedSocket(socket, { kind, address });
    return { descriptor: this.keepAccepted(accepted), peer: undefined };
  }
  /**
   * The socket continues under the stream, with the bytes that it has read and that were not
   * consumed.
   */
  adoptSocket(socket: Socket, { tcpNoDelay, keepAliveSeconds }: SocketOptions): AdoptedSocket {
    silence(socket);
    const accepted = acceptedSocket(socket, ownEnd(socket));
    socket.allowHalfOpen = true;
    if (accepted.kind === 'tcp') {
      socket.setNoDelay(tcpNoDelay);
      socket.setKeepAlive(keepAliveSeconds > 0, keepAliveSeconds * 1_000);
    }
    return { descriptor: this.keepAccepted(accepted), peer: undefined };
  }

  // -- streams ------------------------------------------------------------------------------------

  openStream(slot: number, generation: number, descriptor: number, _options: SocketOptions): void {
    const accepted = this.#accepted.get(descriptor);
    assert(accepted !== undefined, 'a stream is opened on an accepted connection');
    this.#accepted.delete(descriptor);
    const { socket, kind, remoteAddress, localAddress, broken, onError } = accepted;
    const identity = {
      slot,
      generation,
      kind,
      remoteAddress,
      localAddress,
      connecting: false,
    };
    this.#streams[slot] = new NodeStream(this, socket, identity, broken);
    socket.off('error', onError);
  }

  connect(slot: number, generation: number, endpoint: Endpoint, options: SocketOptions): void {
    const identity = {
      slot,
      generation,
      kind: endpoint.kind === 'unix' ? ('unix' as const) : ('tcp' as const),
      remoteAddress: endpointText(endpoint),
      localAddress: endpoint.kind === 'unix' ? '@' : null,
      connecting: true,
    };
    this.#streams[slot] = new NodeStream(this, connectSocket(endpoint, options), identity, null);
  }

  send(slot: number, slab: Slab, offset: number, length: number): number {
    return this.#stream(slot).send(slab.bytes, offset, length);
  }
  sendBytes(slot: number, bytes: Uint8Array): number {
    return this.#stream(slot).send(bytes, 0, bytes.length);
  }
  flush(slot: number, queue: OutboundQueue): boolean {
    return this.#stream(slot).flush(queue);
  }
  unsentBytes(slot: number): number {
    return this.#stream(slot).unsentBytes;
  }
  handedOver(_slot: number): boolean {
    return true; // what the runtime holds counts as not taken
  }
  pauseReading(slot: number): void {
    this.#stream(slot).pauseReading();
  }
  resumeReading(slot: number): void {
    this.#stream(slot).resumeReading();
  }
  shutdownWrite(slot: number): void {
    this.#stream(slot).shutdownWrite();
  }
  closeStream(slot: number, abort: boolean): void {
    const stream = this.#stream(slot);
    this.#streams[slot] = undefined;
    stream.close(abort);
  }
  closeDescriptor(descriptor: number): void {
    this.#accepted.get(descriptor)?.socket.destroy();
    this.#accepted.delete(descriptor);
  }
  /** A turn to begin with sockets that are new, one to read, one to hear of it. */
  async prepareUnread(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await nextTurn();
  }
  unreadBytes(slot: number): number {
    return this.#stream(slot).unreadBytes;
  }
  wish(slot: number, wish: SocketWish): void {
    this.#stream(slot).wish(wish);
  }
  descriptorOf(_slot: number): number {
    return -1;
  }
  localAddress(slot: number): string {
    return this.#stream(slot).localAddress;
  }
  remoteAddress(slot: number): string {
    return this.#stream(slot).identity.remoteAddress;
  }
  isUnix(slot: number): boolean {
    return this.#stream(slot).identity.kind === 'unix';
  }

  #stream(slot: number): NodeStream {
    const stream = this.#streams[slot];
    assert(stream !== undefined, 'the stream is open');
    return stream;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // In order: what the kernel took still goes out, where a program ends right after an answer.
    for (const stream of this.#streams) stream?.close(false);
    this.#streams.length = 0;
    for (const { socket } of this.#accepted.values()) socket.destroy();
    this.#accepted.clear();
    this.#listeners.closeAll();
    this.#datagrams.closeAll();
    this.#ready = [];
    this.#readPool.release(this.#readSlab);
  }
}

/** @param requestTurn as for `NodeDriver`. */
export function createNodeDriver(
  events: DriverEvents,
  settings: DriverSettings,
  requestTurn: () => void,
): NodeDriver {
  return new NodeDriver(events, settings, requestTurn);
}

/** The runtime sets buffer sizes of datagram sockets only. */
export function optionsWithoutEffect(options: TuningOptions): readonly string[] {
  const names: string[] = [];
  if (options.receiveBufferBytes > 0) names.push('socketRecvBuffer');
  if (options.sendBufferBytes > 0) names.push('socketSendBuffer');
  if (options.busyPollMicroseconds > 0) names.push('busyPoll');
  const { extras } = options;
  if (extras === undefined) return names;
  if (extras.keepIntervalSeconds > 0) names.push('tcpKeepInterval');
  if (extras.keepProbes > 0) names.push('tcpKeepCount');
  if (extras.deferAcceptSeconds > 0) names.push('deferAccept');
  if (extras.fastOpenPending > 0) names.push('fastOpen');
  if (extras.congestion !== '') names.push('congestion');
  return names;
}

function connectSocket(endpoint: Endpoint, options: SocketOptions): Socket {
  refuseWhatCannotBe(options);
  if (endpoint.kind === 'unix') {
    return net.connect({ path: pipePath(endpoint.path), allowHalfOpen: true });
  }
  return net.connect({
    host: endpoint.host,
    port: endpoint.port,
    family: endpoint.family,
    ...(endpoint.from && { localAddress: endpoint.from.host, localPort: endpoint.from.port }),
    allowHalfOpen: true,
    noDelay: options.tcpNoDelay,
    keepAlive: options.keepAliveSeconds > 0,
    keepAliveInitialDelay: options.keepAliveSeconds * 1_000,
  });
}

function noDescriptor(action: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    `cannot ${action}: the driver 'node' has no descriptors; use a native driver for that`,
  );
}

/** Sleeping is the runtime's: its own count, from here on. */
function countersOfThread(): DriverCounters {
  const slept = sleepClock();
  const before = slept();
  return {
    ...newCounters(),
    get sleptMs() {
      return slept() - before;
    },
  };
}
