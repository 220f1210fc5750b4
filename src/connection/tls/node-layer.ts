import type { GnetError } from '../../base/errors.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import type { Transport } from '../../driver/transport.ts';
import type { NodeTransport } from '../../tls/node/node-transport.ts';
import type { SessionFacts } from '../../tls/session-facts.ts';
import type { TlsPools, TlsReceiver } from '../../tls/transport-contract.ts';
import type { Layer, LayeredConnection } from '../layer.ts';
import { GatedInput, type GatedLayer } from './gated-input.ts';
import { type Agreed, type Handshake, HandshakeSide } from './handshake-side.ts';
import type { TlsShared } from './openssl-layer.ts';

/** Makes one side's transport. */
export type NodeTransportMaker = (
  below: Transport,
  receiver: TlsReceiver,
  pools: TlsPools,
) => NodeTransport;

/** TLS by `node:tls` below a connection: gnet announces the connection only after the handshake. */
export class NodeLayer implements Layer, GatedLayer, Agreed {
  readonly slot: number;
  readonly generation: number;
  readonly connection: LayeredConnection;
  readonly below: Transport;
  readonly #transport: NodeTransport;
  readonly #shared: TlsShared;
  readonly #side: HandshakeSide;
  readonly #input: GatedInput;

  constructor(
    connection: LayeredConnection,
    below: Transport,
    make: NodeTransportMaker,
    handshake: Handshake,
    shared: TlsShared,
  ) {
    this.slot = connection.slot;
    this.generation = connection.generation;
    this.connection = connection;
    this.below = below;
    this.#shared = shared;
    this.#side = new HandshakeSide(connection, handshake, shared.counts, this, true);
    this.#input = new GatedInput(this, shared.gate, this.#side.limit);
    this.#transport = make(below, this.#side, shared.pools);
    this.#transport.peer = connection;
  }

  get isOpen(): boolean {
    return this.#transport.isOpen;
  }

  get peerName(): string {
    return this.#transport.peerName;
  }

  get hasFacts(): boolean {
    return this.#transport.hasFacts;
  }

  facts(): SessionFacts {
    return this.#transport.facts();
  }

  // -- from below ---------------------------------------------------------------------------------

  opened(): void {
    this.#side.begin();
    this.#transport.opened();
  }

  received(slab: Slab, start: number, end: number): void {
    // Bytes after a failure are discarded, and use up no handshake step.
    if (this.#transport.isSettled) {
      this.#transport.received(slab, start, end);
      return;
    }
    this.#side.heard = true;
    this.#input.received(slab, start, end);
  }

  step(slab: Slab, start: number, end: number): void {
    const { counts } = this.#shared;
    const before = performance.now();
    this.#transport.received(slab, start, end);
    counts.handshakeMs += performance.now() - before;
  }

  ended(): void {
    if (this.#input.takesEnd()) this.#transport.ended();
  }

  writable(): void {
    this.#transport.writable();
  }

  failed(error: GnetError): void {
    this.#transport.failed(error);
  }

  // -- from above ---------------------------------------------------------------------------------

  send(slot: number, slab: Slab, offset: number, length: number): number {
    return this.#transport.send(slot, slab, offset, length);
  }

  sendBytes(slot: number, bytes: Uint8Array): number {
    return this.#transport.sendBytes(slot, bytes);
  }

  flush(slot: number, queue: OutboundQueue): boolean {
    return this.#transport.flush(slot, queue);
  }

  refuses(slot: number): boolean | undefined {
    return this.#transport.refuses(slot);
  }

  unsentBytes(slot: number): number {
    return this.#transport.unsentBytes(slot);
  }

  handedOver(slot: number): boolean {
    return this.#transport.handedOver(slot);
  }

  pauseReading(slot: number): void {
    this.#transport.pauseReading(slot);
  }

  resumeReading(slot: number): void {
    this.#transport.resumeReading(slot);
  }

  shutdownWrite(slot: number): void {
    this.#transport.shutdownWrite(slot);
  }

  sendLast(slot: number, queue: OutboundQueue): void {
    this.#transport.sendLast(slot, queue);
  }

  closeStream(slot: number, abort: boolean): void {
    this.#input.drop();
    this.#transport.closeStream(slot, abort);
    this.#side.closed();
  }

  dispose(): void {
    this.#side.stopTimer();
    this.#transport.dispose();
  }
}
