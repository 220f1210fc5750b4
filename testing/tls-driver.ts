/**
 * A driver whose streams speak TLS, for the contract: what a loop may rely on with a driver's own streams
 * it may rely on with a layer of TLS between. A connection is accepted, or connected, once its handshake
 * is over.
 */
import type { GnetError } from '../src/base/errors.ts';
import type { OutboundQueue } from '../src/buffer/outbound-queue.ts';
import type { Slab } from '../src/buffer/slab.ts';
import type { Driver, DriverEvents, Endpoint, SocketOptions } from '../src/driver/contract.ts';
import type { StreamReceiver, Transport } from '../src/driver/transport.ts';
import {
  cipherSlabBytes,
  plainSlabBytes,
  type TlsPools,
  type TlsReceiver,
} from '../src/tls/transport-contract.ts';

export type TlsEnd = Transport & StreamReceiver & { dispose(): void };

/** Who does the cryptography. */
export interface TlsMaker {
  server(below: Transport, receiver: TlsReceiver, pools: TlsPools): TlsEnd;
  client(below: Transport, receiver: TlsReceiver, pools: TlsPools): TlsEnd;
}

/** One stream: its slot here is one of the driver below, and has nothing to do with that above. */
class TlsStream implements TlsReceiver {
  readonly slot: number;
  readonly generation: number;
  readonly #streams: TlsStreams;
  /** Of the one who accepted it; -1 of one that was dialled. */
  readonly listener: number;
  readonly descriptor: number;
  end!: TlsEnd;
  /** Above; -1 as long as nobody has opened it there. */
  upperSlot = -1;
  upperGeneration = -1;
  /** Above they know that the peer has ended. */
  hasEnded = false;

  constructor(
    streams: TlsStreams,
    slot: number,
    generation: number,
    listener = -1,
    descriptor = -1,
  ) {
    this.#streams = streams;
    this.slot = slot;
    this.generation = generation;
    this.listener = listener;
    this.descriptor = descriptor;
  }

  opened(): void {
    this.#streams.opened(this);
  }

  received(slab: Slab, start: number, end: number): void {
    const { events, counted } = this.#streams;
    counted.bytesReceived += end - start;
    events.received(this.upperSlot, this.upperGeneration, slab, start, end);
  }

  bytesCame(): void {}

  ended(): void {
    this.hasEnded = true;
    this.#streams.events.ended(this.upperSlot, this.upperGeneration);
  }

  /** As a connection takes it, which has the error at its close. */
  endedEarly(error: GnetError): void {
    if (this.upperSlot === -1) this.failed(error);
    else this.ended();
  }

  writable(): void {
    this.#streams.events.writable(this.upperSlot, this.upperGeneration);
  }

  refused(error: GnetError): void {
    this.failed(error);
  }

  failed(error: GnetError): void {
    if (this.upperSlot === -1) this.#streams.close(this, true);
    else this.#streams.events.failed(this.upperSlot, this.upperGeneration, error);
  }
}

class TlsStreams implements DriverEvents {
  readonly events: DriverEvents;
  readonly #make: TlsMaker;
  readonly #readBufferBytes: number;
  /** Plaintext, as whoever is above counts it. */
  readonly counted = { bytesReceived: 0, bytesSent: 0 };
  driver!: Driver;
  #pools: TlsPools | null = null;
  readonly #options = new Map<number, SocketOptions>();
  readonly #bySlot = new Map<number, TlsStream>();
  readonly #byUpperSlot = new Map<number, TlsStream>();
  /** Accepted, and not opened above. */
  readonly #unopened = new Map<number, TlsStream>();
  #generation = 0;
  /** Events of the driver that are none above. */
  #untold = 0;

  constructor(events: DriverEvents, make: TlsMaker, readBufferBytes: number) {
    this.events = events;
    this.#make = make;
    this.#readBufferBytes = readBufferBytes;
  }

  #freeSlot(): number {
    let slot = 0;
    while (this.#bySlot.has(slot)) slot++;
    return slot;
  }

  get #poolsOfDriver(): TlsPools {
    this.#pools ??= {
      plain: this.driver.slabPool(plainSlabBytes(this.#readBufferBytes)),
      cipher: this.driver.slabPool(cipherSlabBytes),
    };
    return this.#pools;
  }

  /** What calls from above concern. */
  of(upperSlot: number): TlsStream {
    const stream = this.#byUpperSlot.get(upperSlot);
    if (stream === undefined) throw new Error(`no stream in slot ${upperSlot}`);
    return stream;
  }

  // -- from above ---------------------------------------------------------------------------------

  listens(listener: number, options: SocketOptions): void {
    this.#options.set(listener, options);
  }

  openStream(upperSlot: number, upperGeneration: number, descriptor: number): void {
    const stream = this.#unopened.get(descriptor);
    if (stream === undefined) throw new Error(`descriptor ${descriptor} was not accepted`);
    this.#unopened.delete(descriptor);
    this.#name(stream, upperSlot, upperGeneration);
    stream.end.resumeReading(stream.slot);
  }

  #name(stream: TlsStream, upperSlot: number, upperGeneration: number): void {
    stream.upperSlot = upperSlot;
    stream.upperGeneration = upperGeneration;
    this.#byUpperSlot.set(upperSlot, stream);
  }

  connect(
    upperSlot: number,
    upperGeneration: number,
    endpoint: Endpoint,
    options: SocketOptions,
  ): void {
    const stream = new TlsStream(this, this.#freeSlot(), ++this.#generation);
    this.#bySlot.set(stream.slot, stream);
    this.#name(stream, upperSlot, upperGeneration);
    stream.end = this.#make.client(this.driver, stream, this.#poolsOfDriver);
    this.driver.connect(stream.slot, stream.generation, endpoint, options);
  }

  send(upperSlot: number, slab: Slab, offset: number, length: number): number {
    const stream = this.of(upperSlot);
    return this.#count(stream.end.send(stream.slot, slab, offset, length));
  }

  sendBytes(upperSlot: number, bytes: Uint8Array): number {
    const stream = this.of(upperSlot);
    return this.#count(stream.end.sendBytes(stream.slot, bytes));
  }

  #count(taken: number): number {
    this.counted.bytesSent += Math.max(0, taken);
    return taken;
  }

  flush(upperSlot: number, queue: OutboundQueue): boolean {
    const stream = this.of(upperSlot);
    const before = queue.length;
    const empty = stream.end.flush(stream.slot, queue);
    this.#count(before - queue.length);
    return empty;
  }

  closeDescriptor(descriptor: number): void {
    const stream = this.#unopened.get(descriptor);
    if (stream === undefined) this.driver.closeDescriptor(descriptor);
    else this.close(stream, false);
  }

  close(stream: TlsStream, abort: boolean): void {
    this.#bySlot.delete(stream.slot);
    this.#byUpperSlot.delete(stream.upperSlot);
    this.#unopened.delete(stream.descriptor);
    stream.end.closeStream(stream.slot, abort);
  }

  dispose(): void {
    for (const stream of this.#bySlot.values()) stream.end.dispose();
    this.#bySlot.clear();
    this.driver.close();
  }

  // -- from below ---------------------------------------------------------------------------------

  accepted(listener: number, descriptor: number): void {
    const stream = new TlsStream(this, this.#freeSlot(), ++this.#generation, listener, descriptor);
    this.#bySlot.set(stream.slot, stream);
    stream.end = this.#make.server(this.driver, stream, this.#poolsOfDriver);
    const options = this.#options.get(listener) as SocketOptions;
    this.driver.openStream(stream.slot, stream.generation, descriptor, options);
    stream.end.opened();
  }

  /** The handshake is over. */
  opened(stream: TlsStream): void {
    if (stream.listener === -1) {
      this.events.connected(stream.upperSlot, stream.upperGeneration);
      return;
    }
    this.#unopened.set(stream.descriptor, stream);
    this.events.accepted(stream.listener, stream.descriptor);
    if (this.#unopened.has(stream.descriptor)) stream.end.pauseReading(stream.slot);
  }

  acceptRested(listener: number, error: GnetError, restMs: number): void {
    this.events.acceptRested(listener, error, restMs);
  }

  #current(slot: number, generation: number): TlsStream | undefined {
    const stream = this.#bySlot.get(slot);
    return stream?.generation === generation ? stream : undefined;
  }

  received(slot: number, generation: number, slab: Slab, start: number, end: number): void {
    this.#current(slot, generation)?.end.received(slab, start, end);
  }

  ended(slot: number, generation: number): void {
    const stream = this.#current(slot, generation);
    // Behind close_notify it tells nothing new.
    if (stream?.hasEnded) this.#untold++;
    stream?.end.ended();
  }

  wait(timeoutMs: number): number {
    const events = this.driver.wait(timeoutMs) - this.#untold;
    this.#untold = 0;
    return Math.max(0, events);
  }

  failed(slot: number, generation: number, error: GnetError): void {
    this.#current(slot, generation)?.end.failed(error);
  }

  writable(slot: number, generation: number): void {
    this.#current(slot, generation)?.end.writable();
  }

  connected(slot: number, generation: number): void {
    this.#current(slot, generation)?.end.opened();
  }

  datagram(...event: Parameters<DriverEvents['datagram']>): void {
    this.events.datagram(...event);
  }

  datagramFailed(...event: Parameters<DriverEvents['datagramFailed']>): void {
    this.events.datagramFailed(...event);
  }
}

/** Methods of a driver that take the slot of a stream and nothing else that changes. */
const bySlot = [
  'unreadBytes',
  'wish',
  'set',
  'tcpInfo',
  'duplicateStream',
  'descriptorOf',
  'localAddress',
  'remoteAddress',
  'isUnix',
] as const;
/** The same of a transport. */
const byEnd = [
  'refuses',
  'unsentBytes',
  'handedOver',
  'pauseReading',
  'resumeReading',
  'shutdownWrite',
] as const;

/** @param makeDriver what the bytes of TLS go over. */
export function tlsDriver(
  makeDriver: (events: DriverEvents) => Driver,
  events: DriverEvents,
  make: TlsMaker,
  readBufferBytes: number,
): Driver {
  const streams = new TlsStreams(events, make, readBufferBytes);
  const driver = makeDriver(streams);
  streams.driver = driver;
  type Method = (...given: never[]) => unknown;
  const own = new Map<string | symbol, Method>(
    Object.entries({
      openStream: streams.openStream.bind(streams),
      connect: streams.connect.bind(streams),
      send: streams.send.bind(streams),
      sendBytes: streams.sendBytes.bind(streams),
      flush: streams.flush.bind(streams),
      closeDescriptor: streams.closeDescriptor.bind(streams),
      sendLast(slot: number, queue: OutboundQueue) {
        const { end, slot: below } = streams.of(slot);
        end.sendLast?.(below, queue);
      },
      closeStream: (slot: number, abort: boolean) => streams.close(streams.of(slot), abort),
      close: () => streams.dispose(),
      wait: streams.wait.bind(streams),
      listen(listener: number, endpoint: Endpoint, options: SocketOptions) {
        streams.listens(listener, options);
        driver.listen(listener, endpoint, options);
      },
    } satisfies Partial<Driver>),
  );
  for (const name of byEnd) {
    own.set(name, (slot: number) => {
      const { end, slot: below } = streams.of(slot);
      return end[name]?.(below);
    });
  }
  for (const name of bySlot) {
    const method = driver[name] as ((...given: unknown[]) => unknown) | undefined;
    if (method === undefined) continue;
    own.set(name, (slot: number, ...rest: unknown[]) =>
      method.call(driver, streams.of(slot).slot, ...rest),
    );
  }
  return new Proxy(driver, {
    get(target, name) {
      if (name === 'counters') return { ...target.counters, ...streams.counted };
      // A layer has no use for it: what it sends is in slabs of its own.
      if (name === 'sendPieces') return undefined;
      const value: unknown = own.get(name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' && !own.has(name) ? value.bind(target) : value;
    },
  });
}
