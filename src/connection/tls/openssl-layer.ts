import type { Slab } from '../../buffer/slab.ts';
import type { Transport } from '../../driver/transport.ts';
import type { TlsSession } from '../../tls/openssl/session.ts';
import { TlsState } from '../../tls/session-states.ts';
import { TlsTransport } from '../../tls/openssl/openssl-transport.ts';
import type { TlsPools } from '../../tls/transport-contract.ts';
import type { Layer, LayeredConnection } from '../layer.ts';
import { GatedInput } from './gated-input.ts';
import type { HandshakeGate } from './handshake-gate.ts';
import { type Handshake, HandshakeSide, type TlsCounts } from './handshake-side.ts';

/** What the layers of one loop have in common. */
export interface TlsShared {
  readonly pools: TlsPools;
  readonly gate: HandshakeGate;
  readonly counts: TlsCounts;
}

/** TLS below a connection: gnet announces the connection only after the handshake. */
export class TlsLayer extends TlsTransport implements Layer {
  readonly connection: LayeredConnection;
  readonly below: Transport;
  readonly #shared: TlsShared;
  readonly #side: HandshakeSide;
  readonly #input: GatedInput;

  constructor(
    connection: LayeredConnection,
    below: Transport,
    session: TlsSession,
    handshake: Handshake,
    shared: TlsShared,
  ) {
    const side = new HandshakeSide(connection, handshake, shared.counts, session);
    super(session, below, side, shared.pools);
    this.connection = connection;
    this.below = below;
    this.#shared = shared;
    this.#side = side;
    this.#input = new GatedInput(this, shared.gate, side.limit);
    session.peer = connection;
  }

  get isOpen(): boolean {
    return this.session.state === TlsState.Open;
  }

  override opened(): void {
    this.#side.begin();
    super.opened();
  }

  override received(slab: Slab, start: number, end: number): void {
    // Bytes after a failure are discarded, and use up no handshake step.
    if (this.session.state >= TlsState.Open) {
      super.received(slab, start, end);
      if (this.isOpen) this.#side.noteHeard();
      return;
    }
    this.#side.heard = true;
    this.#input.received(slab, start, end);
  }

  /** Time is looked at twice for each message of a handshake, which takes a thousand times longer. */
  step(slab: Slab, start: number, end: number): void {
    const { counts } = this.#shared;
    const before = performance.now();
    super.received(slab, start, end);
    counts.handshakeMs += performance.now() - before;
  }

  /** The program has found the context of a name. */
  chosen(): void {
    if (!this.connection.isClosed) this.handshake();
  }

  override ended(): void {
    if (this.#input.takesEnd()) super.ended();
  }

  dispose(): void {
    this.#side.stopTimer();
    this.session.free();
  }

  override closeStream(slot: number, abort: boolean): void {
    this.#side.noteHeard();
    this.#input.drop();
    super.closeStream(slot, abort);
    this.#side.closed();
  }
}
