import { assert } from '../../base/assert.ts';
import { isSameHost } from '../../base/inet-address.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { MessageBatch } from '../../syscall/message-batch.ts';
import {
  countOverflows,
  cutsSegments,
  emptyControl,
  type ReceivedControl,
} from '../../syscall/datagram-control.ts';
import { localName } from '../../syscall/socket.ts';
import { emptyInetAddress, formatInet } from '../../syscall/socket-address.ts';
import type {
  DatagramPeer,
  DriverCounters,
  DriverEvents,
  DriverSettings,
  Endpoint,
  GivenSocket,
  Membership,
  SocketOptions,
} from '../contract.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { interrupted, isLackOfMemory, tryAgain } from './errno-sets.ts';
import { nativeSlabPool, takeIfPossible } from './native-memory.ts';
import { changeMembershipOf, setSentTypeOfService } from './datagram-options.ts';
import type { DatagramEndpoint } from './datagram-endpoint.ts';
import type { MemoryRest } from './memory-rest.ts';
import { DatagramSender, refusal } from './datagram-sender.ts';
import { openDatagramSocket } from './open-sockets.ts';

/** Datagrams per system call; measured: 8 cost 4.3 us each, 64 cost 3.3, 128 cost 3.5. */
const batchMax = 64;
/** Batches that a stop takes of one endpoint: more than fit the largest receive buffer by default. */
const drainedBatchesMax = 1_024;

/** Reports that endpoints are readable, until they are removed. Its calls return minus an errno. */
export interface ReadabilitySource {
  /** The system call that `add` makes: for errors. */
  readonly call: string;
  /** `DatagramEndpoints.ready` follows, with this id and generation, whenever there is something. */
  add(descriptor: number, id: number, generation: number): number;
  remove(descriptor: number): number;
}

/** Memory of the batches; made with the first endpoint, so that a TCP server does not pay for it. */
interface Batches {
  readonly incoming: MessageBatch;
  /** What is received into: as many as there was memory for, up to `batchMax`. */
  readonly slabs: Slab[];
}

/** Datagram sockets of a driver that knows when they are readable, by recvmmsg and sendmmsg. */
export class DatagramEndpoints {
  readonly #source: ReadabilitySource;
  readonly #events: DriverEvents;
  readonly #counters: DriverCounters;
  readonly #ledger: DescriptorLedger | undefined;
  readonly #readPool: SlabPool;
  readonly #headroom: number;
  readonly #readBytes: number;
  readonly #endpoints: (DatagramEndpoint | undefined)[] = [];
  readonly #peer: DatagramPeer = emptyInetAddress();
  readonly #control: ReceivedControl = emptyControl();
  #batches: Batches | null = null;
  #generation = 0;
  readonly sender: DatagramSender;
  readonly #skipsBroadcasts: boolean;
  readonly #memoryRest: MemoryRest;
  /** Of the datagram that is being reported. */
  typeOfService = -1;

  constructor(
    source: ReadabilitySource,
    events: DriverEvents,
    counters: DriverCounters,
    settings: DriverSettings,
    memoryRest: MemoryRest,
  ) {
    this.#memoryRest = memoryRest;
    this.#source = source;
    this.#events = events;
    this.#counters = counters;
    this.#ledger = settings.ledger;
    const tellsErrors = settings.tellsDatagramErrors === true;
    this.sender = new DatagramSender(batchMax, counters, tellsErrors, (id) => this.#get(id));
    this.#skipsBroadcasts = settings.skipsBroadcasts === true;
    this.#headroom = settings.headroomBytes;
    this.#readBytes = settings.readBufferBytes;
    this.#readPool = nativeSlabPool(this.#headroom + this.#readBytes);
  }

  bind(id: number, endpoint: Endpoint, options: SocketOptions): void {
    assert(this.#endpoints[id] === undefined, 'an endpoint is bound once');
    assert(endpoint.kind !== 'unix', 'datagram endpoints are IP');
    const opened = openDatagramSocket(endpoint, options);
    const { descriptor, family, port, tellsLocal, shared, coalesces, peer } = opened;
    const extras = options.datagrams;
    this.#ledger?.opened(descriptor);
    this.#generation++;
    this.#endpoints[id] = {
      descriptor,
      generation: this.#generation,
      port,
      tellsLocal,
      shared,
      registered: false,
      local: null,
      overflowed: 0,
      peer,
      family,
      coalesces,
      readsControl: tellsLocal || coalesces || extras?.receiveTypeOfService === true,
      joins: extras?.segmentation === true && cutsSegments,
    };
    this.#batches ??= this.#makeBatches();
    this.sender.open();
  }

  #makeBatches(): Batches {
    const batches: Batches = {
      incoming: new MessageBatch(batchMax),
      slabs: [],
    };
    this.#receiveInto(batches, this.#readPool.take());
    this.#fill(batches);
    return batches;
  }

  #receiveInto({ slabs, incoming }: Batches, slab: Slab, index = slabs.length): void {
    slabs[index] = slab;
    incoming.setBuffer(index, slab, this.#headroom, this.#readBytes);
  }

  /** As far as there is memory; false when there is none to receive into. */
  #fill(batches: Batches): boolean {
    const { slabs } = batches;
    while (slabs.length < batchMax) {
      const slab = takeIfPossible(this.#readPool);
      if (slab === null) break;
      this.#receiveInto(batches, slab);
    }
    return slabs.length > 0;
  }

  #get(id: number): DatagramEndpoint {
    const endpoint = this.#endpoints[id];
    assert(endpoint !== undefined, 'the datagram endpoint is open');
    return endpoint;
  }

  descriptorOf(id: number): number {
    return this.#get(id).descriptor;
  }

  start(id: number): void {
    const endpoint = this.#get(id);
    if (endpoint.registered) return;
    const result = this.#register(id, endpoint);
    if (result < 0) throw syscallError(this.#source.call, -result, 'start receiving datagrams');
    endpoint.registered = true;
  }

  pause(id: number): void {
    const endpoint = this.#get(id);
    if (endpoint.registered) this.#source.remove(endpoint.descriptor);
    endpoint.registered = false;
  }

  socketOf(id: number): GivenSocket {
    const { descriptor, shared } = this.#get(id);
    return { descriptor, address: localName(descriptor), shared, boundPath: null };
  }

  /** Peers that keep sending must not delay the stop: the kernel holds no more than this. */
  drain(id: number): void {
    const endpoint = this.#get(id);
    this.pause(id);
    for (let batch = 0; batch < drainedBatchesMax; batch++) {
      if (this.#endpoints[id] !== endpoint) return;
      const count = this.#receive(id, endpoint);
      // What the network says of a datagram that was sent comes ahead of those that have arrived.
      if (count === 0 || count === -tryAgain) return;
    }
  }

  ready(id: number, generation: number): void {
    const endpoint = this.#endpoints[id];
    if (endpoint?.generation === generation && endpoint.registered) this.#receive(id, endpoint);
  }

  /** What arrived stays in the kernel, and costs nothing there. */
  #rest(id: number, endpoint: DatagramEndpoint): void {
    if (!endpoint.registered) return;
    this.#source.remove(endpoint.descriptor);
    this.#memoryRest.later(() => {
      if (this.#endpoints[id] !== endpoint || !endpoint.registered) return;
      if (this.#register(id, endpoint) < 0) this.#rest(id, endpoint);
    });
  }

  #register(id: number, endpoint: DatagramEndpoint): number {
    return this.#source.add(endpoint.descriptor, id, endpoint.generation);
  }

  /** Hands out one batch; returns how many there were, or minus an errno. */
  #receive(id: number, endpoint: DatagramEndpoint): number {
    const batches = this.#batches as Batches;
    const { incoming, slabs } = batches;
    if (slabs.length < batchMax && !this.#fill(batches)) {
      this.#rest(id, endpoint);
      return 0;
    }
    const count = incoming.receive(endpoint.descriptor, slabs.length);
    // EAGAIN: gone already. EINTR: a signal. ECONNREFUSED and other ICMP errors: about a datagram
    // sent before; read away by this call. None of them ends an endpoint.
    if (count <= 0) {
      if (isLackOfMemory(-count)) this.#rest(id, endpoint);
      if (endpoint.peer !== null) this.#networkSays(id, endpoint.peer, -count);
      return count;
    }
    this.#counters.datagramsReceived += count;
    this.#noteOverflows(endpoint, incoming, count);
    this.sender.handingOut = id;
    for (let index = 0; index < count; index++) {
      if (this.#endpoints[id] !== endpoint) break;
      this.#handOut(id, endpoint, incoming, index);
    }
    // What is refused here, too, was taken before.
    if (this.#endpoints[id] === endpoint) this.sender.flush(endpoint);
    this.sender.handingOut = -1;
    this.#renewSlabs(count);
    incoming.reset(count);
    if (this.sender.refusals.length > 0) this.#tellRefusals(id, endpoint);
    return count;
  }

  #networkSays(id: number, peer: DatagramPeer, errno: number): void {
    if (errno === 0 || errno === tryAgain || errno === interrupted) return;
    const address = formatInet(peer);
    const error = syscallError('recvmmsg', errno, `reach ${address} by datagrams`, address);
    this.#events.datagramFailed(id, null, error);
  }

  #tellRefusals(id: number, endpoint: DatagramEndpoint): void {
    const refusals = this.sender.refusals;
    this.sender.refusals = [];
    for (const { peer, errno } of refusals) {
      if (this.#endpoints[id] !== endpoint) return;
      this.#events.datagramFailed(id, peer, refusal(peer, errno));
    }
  }

  #handOut(id: number, endpoint: DatagramEndpoint, incoming: MessageBatch, index: number): void {
    const { slabs } = this.#batches as Batches;
    const slab = slabs[index] as Slab;
    const length = incoming.lengthAt(index);
    this.#counters.bytesReceived += length;
    incoming.peerAt(index, this.#peer);
    const start = this.#headroom;
    const truncated = incoming.truncatedAt(index);
    if (!endpoint.readsControl) {
      this.#events.datagram(id, slab, start, start + length, this.#peer, truncated, null);
      return;
    }
    const control = this.#control;
    incoming.controlAt(index, control);
    if (control.toMany && this.#skipsBroadcasts) {
      // Another loop has its own copy of it, and counts that.
      this.#counters.datagramsReceived--;
      return;
    }
    this.typeOfService = control.typeOfService;
    const local = endpoint.tellsLocal ? this.#localOf(endpoint) : null;
    const { segmentBytes } = control;
    if (endpoint.coalesces && segmentBytes > 0 && segmentBytes < length) {
      this.#handOutSegments(id, endpoint, slab, length, segmentBytes, local);
    } else this.#events.datagram(id, slab, start, start + length, this.#peer, truncated, local);
    this.typeOfService = -1;
  }

  /** They were sent as many, and were put together on the way. */
  #handOutSegments(
    id: number,
    endpoint: DatagramEndpoint,
    slab: Slab,
    length: number,
    segmentBytes: number,
    local: DatagramPeer | null,
  ): void {
    const end = this.#headroom + length;
    this.#counters.datagramsReceived += Math.ceil(length / segmentBytes) - 1;
    for (let at = this.#headroom; at < end; at += segmentBytes) {
      if (this.#endpoints[id] !== endpoint) return;
      const segmentEnd = Math.min(at + segmentBytes, end);
      this.#events.datagram(id, slab, at, segmentEnd, this.#peer, false, local);
    }
  }

  #localOf(endpoint: DatagramEndpoint): DatagramPeer | null {
    const { local } = this.#control;
    if (local.family === 0) return null;
    const last = endpoint.local;
    if (last !== null && isSameHost(last, local)) return last;
    endpoint.local = { ...local, port: endpoint.port };
    return endpoint.local;
  }

  /**
   * Datagrams say how many were dropped before they came, but those behind a flood may be the last for
   * long: where many came at once, the kernel is asked.
   */
  #noteOverflows(endpoint: DatagramEndpoint, incoming: MessageBatch, count: number): void {
    if (count === (this.#batches as Batches).slabs.length) {
      this.#refresh(endpoint);
      return;
    }
    incoming.controlAt(count - 1, this.#control);
    if (this.#control.overflowed > 0) this.#countOverflows(endpoint, this.#control.overflowed);
  }

  #countOverflows(endpoint: DatagramEndpoint, overflowed: number): void {
    // What a datagram says may be older than what the kernel was asked.
    const more = (overflowed - endpoint.overflowed) | 0;
    if (more <= 0) return;
    endpoint.overflowed = overflowed;
    this.#counters.datagramsOverflowed += more;
  }

  #refresh(endpoint: DatagramEndpoint): void {
    const overflowed = countOverflows(endpoint.descriptor);
    if (overflowed > 0) this.#countOverflows(endpoint, overflowed);
  }

  /** Asks the kernel how many datagrams it dropped. */
  refreshOverflows(): void {
    for (const endpoint of this.#endpoints) {
      if (endpoint !== undefined) this.#refresh(endpoint);
    }
  }

  /** Slabs that an asynchronous handler kept are replaced before the kernel writes again. */
  #renewSlabs(count: number): void {
    const batches = this.#batches as Batches;
    const { slabs } = batches;
    for (let index = count - 1; index >= 0; index--) {
      const slab = slabs[index] as Slab;
      if (slab.references === 1 && !slab.detached) continue;
      const fresh = takeIfPossible(this.#readPool);
      this.#readPool.release(slab);
      // Without memory the last one comes in its place: all behind this one are nobody's.
      const next = fresh ?? (slabs.pop() as Slab);
      if (index < slabs.length) this.#receiveInto(batches, next, index);
    }
  }

  setTypeOfService(id: number, value: number): void {
    const endpoint = this.#get(id);
    const { descriptor, family } = endpoint;
    // What was sent before, and waits for the end of its batch, leaves as it was then.
    if (this.sender.handingOut === id) this.sender.flush(endpoint);
    setSentTypeOfService(descriptor, family, value, localName(descriptor));
  }

  changeMembership(id: number, joins: boolean, membership: Membership): void {
    changeMembershipOf(this.#get(id).descriptor, joins, membership);
  }

  closeEndpoint(id: number): void {
    const endpoint = this.#endpoints[id];
    if (endpoint === undefined) return;
    if (this.sender.handingOut === id) {
      this.sender.flush(endpoint);
      this.sender.handingOut = -1;
    }
    if (endpoint.registered) this.#source.remove(endpoint.descriptor);
    this.#endpoints[id] = undefined;
    closeDescriptor(endpoint.descriptor, this.#ledger?.bits);
  }

  closeAll(): void {
    for (let id = 0; id < this.#endpoints.length; id++) this.closeEndpoint(id);
    const batches = this.#batches;
    if (batches === null) return;
    this.#batches = null;
    for (const slab of batches.slabs) this.#readPool.release(slab);
    batches.incoming.release();
    this.sender.close();
  }
}
