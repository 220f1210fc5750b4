import { strict as assert } from 'node:assert';
import type { GnetError } from '../src/base/errors.ts';
import { OutboundQueue } from '../src/buffer/outbound-queue.ts';
import type { Slab, SlabPool } from '../src/buffer/slab.ts';
import type {
  DatagramPeer,
  Driver,
  DriverEvents,
  Endpoint,
  SocketOptions,
} from '../src/driver/contract.ts';
import { noEvents } from '../src/driver/no-events.ts';
import type { PatternCheck } from './byte-pattern.ts';
import type { PeerSide, StreamPeer, Transport } from './driver-peers.ts';

export interface DriverUnderTest {
  readonly driver: Driver;
  readonly peers: PeerSide;
  /** Layers over a driver may report whenever the runtime calls them. */
  readonly reportsOutsideWait?: boolean;
}

/** @param readBufferBytes most bytes of one `received` or `datagram`. */
export type DriverFactory = (events: DriverEvents, readBufferBytes: number) => DriverUnderTest;

export const plainOptions: SocketOptions = {
  backlog: 512,
  reusePort: false,
  tcpNoDelay: true,
  keepAliveSeconds: 0,
  receiveBufferBytes: 0,
  sendBufferBytes: 0,
};

/** Long enough for a busy machine; a condition that does not hold by then never will. */
const hangMs = 60_000;
const queueSlabBytes = 64 * 1024;
export const readBufferBytesUsual: number = 64 * 1024;

/** One stream as a loop would keep it, with everything that was reported for it. */
export class StreamRecord {
  readonly slot: number;
  readonly generation: number;
  queue: OutboundQueue;
  readonly chunks: Buffer[] = [];
  readonly failures: GnetError[] = [];
  /** Compares what comes in instead of keeping it. */
  check: PatternCheck | null = null;
  receivedBytes = 0;
  endedCount = 0;
  writableCount = 0;
  connectedCount = 0;
  open = true;
  paused = false;
  /** A send or flush left bytes behind. */
  awaitsWritable = false;
  /** A send found the stream broken. */
  sendFailed = false;
  /** Flushes as soon as `writable` is reported, as loops do. */
  flushesItself = true;
  /** What the kernel refuses afterwards is queued again, as loops do. */
  takesBack = true;
  onReceived: ((bytes: Buffer, slab: Slab) => void) | null = null;

  constructor(slot: number, generation: number, pool: SlabPool) {
    this.slot = slot;
    this.generation = generation;
    this.queue = new OutboundQueue(pool);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
}

export interface AcceptRest {
  readonly listener: number;
  readonly error: GnetError;
  readonly restMs: number;
}

export interface ReceivedDatagram {
  readonly endpoint: number;
  readonly bytes: Buffer;
  readonly peer: DatagramPeer;
  readonly truncated: boolean;
}

/**
 * Plays the loop above a driver: opens what is accepted, flushes what is writable, keeps what is
 * reported. It checks the rules of the contract that hold at every event and in every test: reported
 * from inside `wait` only, for open streams of the right generation only, ended once and after all
 * bytes, nothing after a failure, nothing while paused, `writable` only when it was promised.
 */
export class DriverRig implements DriverEvents {
  readonly driver: Driver;
  readonly peers: PeerSide;
  readonly violations: string[] = [];
  readonly streams: StreamRecord[] = [];
  readonly rests: AcceptRest[] = [];
  readonly datagrams: ReceivedDatagram[] = [];
  readonly datagramFailures: {
    readonly endpoint: number;
    readonly peer: DatagramPeer | null;
    readonly error: GnetError;
  }[] = [];
  /** Every accepted descriptor, by listener, in order. */
  readonly acceptedBy: number[] = [];
  onAccepted: ((listener: number, descriptor: number) => void) | null = null;
  onDatagram: ((endpoint: number, slab: Slab, start: number, end: number) => void) | null = null;
  /** Of the datagram being reported. */
  datagramPeer: DatagramPeer | null = null;
  options: SocketOptions = plainOptions;
  readonly #factory: DriverFactory;
  readonly #bySlot = new Map<number, StreamRecord>();
  readonly #pool: SlabPool;
  readonly #reportsOutsideWait: boolean;
  #reporting = false;
  #nextListener = 0;
  #generation = 0;

  constructor(factory: DriverFactory, readBufferBytes: number) {
    this.#factory = factory;
    const { driver, peers, reportsOutsideWait = false } = factory(this, readBufferBytes);
    this.driver = driver;
    this.#reportsOutsideWait = reportsOutsideWait;
    this.peers = peers;
    this.#pool = driver.slabPool(queueSlabBytes);
  }

  /** A second driver, only for its descriptors. */
  another(): DriverUnderTest {
    return this.#factory(noEvents, readBufferBytesUsual);
  }

  // -- turning ------------------------------------------------------------------------------------
  wait(timeoutMs: number): number {
    this.#reporting = true;
    try {
      return this.driver.wait(timeoutMs);
    } finally {
      this.#reporting = false;
    }
  }

  drainEndpoint(endpoint: number): void {
    this.#reporting = true;
    this.driver.drainEndpoint(endpoint);
    this.#reporting = false;
  }

  async drainBacklog(listener: number): Promise<void> {
    await this.driver.prepareDrain?.(listener);
    this.#reporting = true;
    this.driver.drainBacklog(listener);
    this.#reporting = false;
  }

  /** One wait that does not sleep, and one turn for the peers. Returns how many events there were. */
  async turn(): Promise<number> {
    const events = this.wait(0);
    await this.peersTurn();
    return events;
  }

  /** Lets the peers do what they have to do, without the driver. */
  async peersTurn(): Promise<void> {
    this.peers.turn();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async turns(count: number): Promise<number> {
    let events = 0;
    for (let turn = 0; turn < count; turn++) events += await this.turn();
    return events;
  }

  /** Turns until the condition holds; fails only where it would otherwise hang. */
  async until(condition: () => boolean, what: string): Promise<void> {
    await this.#until(condition, what, () => this.turn());
  }

  async peersUntil(condition: () => boolean, what: string): Promise<void> {
    await this.#until(condition, what, () => this.peersTurn());
  }

  async #until(
    condition: () => boolean,
    what: string,
    turn: () => Promise<unknown>,
  ): Promise<void> {
    const giveUpAt = performance.now() + hangMs;
    while (!condition()) {
      this.expectRulesKept();
      if (performance.now() > giveUpAt) assert.fail(`it never came to this: ${what}`);
      await turn();
    }
  }

  expectRulesKept(): void {
    assert.deepEqual(this.violations, []);
  }

  // -- listening and streams ----------------------------------------------------------------------
  /** Listens and accepts. Returns the number of the listener. */
  async listen(
    transport: Transport,
    endpoint: Endpoint = this.peers.endpoint(transport),
  ): Promise<number> {
    const listener = this.#nextListener++;
    await this.openListener(listener, endpoint, this.options);
    this.driver.startAccepting(listener);
    return listener;
  }

  openListener(listener: number, endpoint: Endpoint, options: SocketOptions): Promise<void> {
    return openListener(this.driver, listener, endpoint, options);
  }

  openEndpoint(endpointId: number, endpoint: Endpoint, options: SocketOptions): Promise<void> {
    return openEndpoint(this.driver, endpointId, endpoint, options);
  }

  openStream(descriptor: number, slot: number = this.#freeSlot()): StreamRecord {
    const stream = this.#record(slot);
    this.driver.openStream(slot, stream.generation, descriptor, this.options);
    return stream;
  }

  connect(endpoint: Endpoint): StreamRecord {
    const stream = this.#record(this.#freeSlot());
    this.driver.connect(stream.slot, stream.generation, endpoint, this.options);
    return stream;
  }

  #freeSlot(): number {
    let slot = 0;
    while (this.#bySlot.has(slot)) slot++;
    return slot;
  }

  #record(slot: number): StreamRecord {
    const stream = new StreamRecord(slot, ++this.#generation, this.#pool);
    this.#bySlot.set(slot, stream);
    this.streams.push(stream);
    return stream;
  }

  /** A peer that is connected, and the stream that was opened for it. */
  async pair(listener: number): Promise<{ peer: StreamPeer; stream: StreamRecord }> {
    const before = this.streams.length;
    const peer = this.peers.connect(this.driver.listenerAddress(listener));
    const met = (): boolean => this.streams.length > before && peer.connected;
    await this.until(met, 'a connection is accepted');
    return { peer, stream: this.streams[before] as StreamRecord };
  }

  /** What was taken before stays with the driver from now on, as of loops. */
  shutdownWrite(stream: StreamRecord): void {
    stream.takesBack = false;
    this.driver.shutdownWrite(stream.slot);
  }

  close(stream: StreamRecord, abort = false): void {
    stream.open = false;
    stream.queue.clear();
    this.#bySlot.delete(stream.slot);
    this.driver.closeStream(stream.slot, abort);
  }

  /**
   * As `close` of a loop whose program gives the connection up: what waits behind a send may leave.
   * Returns how many bytes the kernel had refused, which are lost.
   */
  closeAfterLast(stream: StreamRecord): number {
    const { driver } = this;
    const waits = stream.queue.length > 0;
    if (waits && driver.sendLast && driver.refuses?.(stream.slot) !== true) {
      const { queue } = stream;
      stream.queue = new OutboundQueue(this.#pool);
      driver.sendLast(stream.slot, queue);
    }
    const lost = stream.queue.length;
    this.close(stream);
    return lost;
  }

  pause(stream: StreamRecord): void {
    stream.paused = true;
    this.driver.pauseReading(stream.slot);
  }

  resume(stream: StreamRecord): void {
    stream.paused = false;
    this.driver.resumeReading(stream.slot);
  }

  /** Sends as a loop does: straight from a slab, and what is not taken waits in the queue. */
  send(stream: StreamRecord, bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && stream.queue.length === 0 && !stream.awaitsWritable) {
      const slab = this.#pool.take();
      const length = Math.min(slab.capacity, bytes.length - at);
      slab.bytes.set(bytes.subarray(at, at + length));
      const taken = this.driver.send(stream.slot, slab, 0, length);
      this.#pool.release(slab);
      if (taken < 0) {
        stream.sendFailed = true;
        return;
      }
      at += taken;
      if (taken < length) stream.awaitsWritable = true;
    }
    if (at < bytes.length) stream.queue.push(bytes, at, bytes.length);
  }

  flush(stream: StreamRecord): boolean {
    const empty = this.driver.flush(stream.slot, stream.queue);
    stream.awaitsWritable = !empty;
    if (empty !== (stream.queue.length === 0)) {
      this.violations.push(`flush said ${empty} with ${stream.queue.length} bytes in the queue`);
    }
    return empty;
  }

  // -- what the driver reports --------------------------------------------------------------------
  accepted(listener: number, descriptor: number): void {
    this.#expectReporting('accepted');
    this.acceptedBy.push(listener);
    if (this.onAccepted === null) this.openStream(descriptor);
    else this.onAccepted(listener, descriptor);
  }

  acceptRested(listener: number, error: GnetError, restMs: number): void {
    this.#expectReporting('acceptRested');
    this.rests.push({ listener, error, restMs });
  }

  received(slot: number, generation: number, slab: Slab, start: number, end: number): void {
    const stream = this.#streamOf('received', slot, generation);
    if (stream === null) return;
    if (stream.endedCount > 0) this.violations.push('bytes came after the end');
    if (stream.paused) this.violations.push('bytes came while paused');
    const inside = slab.floor <= start && start < end && end <= slab.capacity;
    if (!inside) this.violations.push(`${slab.floor} <= ${start} < ${end} <= ${slab.capacity}`);
    if (slab.references < 1) this.violations.push('a slab was lent that nobody holds');
    const bytes = Buffer.from(slab.bytes.subarray(start, end));
    stream.receivedBytes += bytes.length;
    if (stream.check === null) stream.chunks.push(bytes);
    else stream.check.add(bytes);
    stream.onReceived?.(bytes, slab);
  }

  ended(slot: number, generation: number): void {
    const stream = this.#streamOf('ended', slot, generation);
    if (stream === null) return;
    if (++stream.endedCount > 1) this.violations.push('the end came twice');
    if (stream.paused) this.violations.push('the end came while paused');
  }

  failed(slot: number, generation: number, error: GnetError): void {
    this.#streamOf('failed', slot, generation)?.failures.push(error);
  }

  writable(slot: number, generation: number): void {
    const stream = this.#streamOf('writable', slot, generation);
    if (stream === null) return;
    stream.writableCount++;
    if (!stream.awaitsWritable) this.violations.push('writable came though all was taken');
    if (stream.flushesItself) this.flush(stream);
  }

  refused(slot: number, generation: number, slab: Slab, start: number, end: number): boolean {
    const stream = this.#streamOf('refused', slot, generation);
    if (stream === null || !stream.takesBack) return false;
    stream.queue.unshift(slab, start, end);
    stream.awaitsWritable = true;
    return true;
  }

  connected(slot: number, generation: number): void {
    const stream = this.#streamOf('connected', slot, generation);
    if (stream !== null && ++stream.connectedCount > 1) {
      this.violations.push('connected came twice');
    }
  }

  datagram(
    endpoint: number,
    slab: Slab,
    start: number,
    end: number,
    peer: DatagramPeer,
    truncated: boolean,
  ): void {
    this.#expectReporting('datagram');
    const bytes = Buffer.from(slab.bytes.subarray(start, end));
    this.datagrams.push({ endpoint, bytes, peer: { ...peer }, truncated });
    this.datagramPeer = peer;
    this.onDatagram?.(endpoint, slab, start, end);
  }

  datagramFailed(endpoint: number, peer: DatagramPeer | null, error: GnetError): void {
    this.#expectReporting('datagramFailed');
    this.datagramFailures.push({ endpoint, peer: peer && { ...peer }, error });
  }

  #expectReporting(event: string): void {
    if (this.#reporting || this.#reportsOutsideWait) return;
    this.violations.push(`${event} was reported outside wait`);
  }

  #streamOf(event: string, slot: number, generation: number): StreamRecord | null {
    this.#expectReporting(event);
    const stream = this.#bySlot.get(slot);
    if (stream === undefined || stream.generation !== generation) {
      this.violations.push(`${event} was reported for slot ${slot}, closed in this generation`);
      return null;
    }
    if (stream.failures.length > 0) this.violations.push(`${event} was reported after failed`);
    return stream;
  }

  // -- the end ------------------------------------------------------------------------------------
  async end(): Promise<void> {
    for (const stream of this.#bySlot.values()) stream.queue.clear();
    this.driver.close();
    this.peers.close();
    await this.peersTurn();
  }
}

/** Listens as servers do: what the driver cannot do at once is awaited before. */
export async function openListener(
  driver: Driver,
  listener: number,
  endpoint: Endpoint,
  options: SocketOptions,
): Promise<void> {
  await driver.prepareListener?.(listener, endpoint, options);
  driver.listen(listener, endpoint, options);
}

export async function openEndpoint(
  driver: Driver,
  endpointId: number,
  endpoint: Endpoint,
  options: SocketOptions,
): Promise<void> {
  await driver.prepareEndpoint?.(endpointId, endpoint, options);
  driver.bind(endpointId, endpoint, options);
}

/** Runs one test on a fresh driver; the rules that always hold are checked at its end. */
export async function withRig(
  factory: DriverFactory,
  body: (rig: DriverRig) => Promise<void> | void,
  readBufferBytes: number = readBufferBytesUsual,
): Promise<void> {
  const rig = new DriverRig(factory, readBufferBytes);
  try {
    await body(rig);
    rig.expectRulesKept();
  } finally {
    await rig.end();
  }
}
