import { X509Certificate } from 'node:crypto';
import { ErrConnClosed, ErrTimeout, type GnetError } from '../../base/errors.ts';
import type { Slab } from '../../buffer/slab.ts';
import type { Transport } from '../../driver/transport.ts';
import type { TlsSession } from '../../tls/session.ts';
import { TlsState } from '../../tls/session-states.ts';
import { type TlsPools, type TlsReceiver, TlsTransport } from '../../tls/tls-transport.ts';
import { handOver } from '../hand-over.ts';
import type { Layer, LayeredConnection } from '../layer.ts';
import type { HandshakeGate } from './handshake-gate.ts';
import { rememberTls, type TlsInfo } from './info.ts';

/** What the loop has counted; milliseconds of this thread for `handshakeMs`. */
export interface TlsCounts {
  handshakes: number;
  failures: number;
  handshakeMs: number;
}

/** What the layers of one loop have in common. */
export interface TlsShared {
  readonly pools: TlsPools;
  readonly gate: HandshakeGate;
  readonly counts: TlsCounts;
}

/** How a handshake is done, and who hears of it. */
export interface Handshake {
  readonly session: TlsSession;
  /** The connection is open already, in clear: the program knows of it. */
  readonly upgrades?: boolean;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** The name that the client asked for. */
  readonly serverName: () => string | undefined;
  /** The session is open, and the connection is about to be. An error refuses the peer after all. */
  readonly accept?: (() => GnetError | null) | undefined;
  /** The connection is open, after `onOpened`. */
  readonly done?: (() => void) | undefined;
  /** There will be no connection. Without it, the log hears of the error. */
  readonly failed?: ((error: GnetError) => void) | undefined;
  /** Something was received, or the connection ends, in an open session. */
  readonly heard?: (() => void) | undefined;
}

/** TLS under a connection: nobody hears of the connection before the handshake is over. */
export class TlsLayer extends TlsTransport implements Layer {
  readonly connection: LayeredConnection;
  readonly below: Transport;
  readonly #handshake: Handshake;
  readonly #shared: TlsShared;
  readonly #upper: UpperSide;
  #timer: NodeJS.Timeout | undefined;
  /** What was received while the gate was closed; null when it is not waited for. */
  #putOff: Buffer | null = null;
  #endPutOff = false;
  #info: TlsInfo | undefined;

  constructor(
    connection: LayeredConnection,
    below: Transport,
    handshake: Handshake,
    shared: TlsShared,
  ) {
    const upper = new UpperSide(connection, handshake, shared.counts);
    super(handshake.session, below, upper, shared.pools);
    this.connection = connection;
    this.below = below;
    this.#handshake = handshake;
    this.#shared = shared;
    this.#upper = upper;
    if (handshake.upgrades !== true) connection.notOpenedYet();
    rememberTls(connection, this);
  }

  get #isOpen(): boolean {
    return this.session.state === TlsState.Open;
  }

  override opened(): void {
    const { timeoutMs } = this.#handshake;
    // It goes on after a refusal: a peer that does not end its side must not stay for ever.
    if (timeoutMs > 0) this.#timer = setTimeout(() => this.#late(), timeoutMs);
    super.opened();
  }

  #late(): void {
    if (this.connection.isClosed) return;
    const { timeoutMs } = this.#handshake;
    const error = new ErrTimeout(
      `cannot shake hands with ${this.session.peerName}: the handshake was not over within ` +
        `${timeoutMs} ms; raise tls.handshakeTimeout for slower peers`,
      { address: this.connection.remoteAddr },
    );
    this.#upper.giveUp(error);
    this.connection.abort(error);
  }

  override received(slab: Slab, start: number, end: number): void {
    if (this.#isOpen) {
      super.received(slab, start, end);
      this.#handshake.heard?.();
      return;
    }
    this.#upper.heard = true;
    if (this.#putOff !== null || !this.#shared.gate.isOpen) {
      this.#wait(slab.bytes.subarray(start, end));
      return;
    }
    this.#step(slab, start, end);
  }

  /** Time is looked at twice for each message of a handshake, which takes a thousand times longer. */
  #step(slab: Slab, start: number, end: number): void {
    const { counts } = this.#shared;
    const before = performance.now();
    super.received(slab, start, end);
    counts.handshakeMs += performance.now() - before;
    if (this.#isOpen) clearTimeout(this.#timer);
  }

  /** There were enough steps of handshakes in this turn. */
  #wait(bytes: Uint8Array): void {
    if (this.#putOff !== null) {
      this.#putOff = Buffer.concat([this.#putOff, bytes]);
      return;
    }
    this.#putOff = Buffer.from(bytes);
    this.below.pauseReading(this.slot);
    this.#shared.gate.wait(this);
  }

  /** The turn has come. */
  goOn(): void {
    const bytes = this.#putOff;
    this.#putOff = null;
    if (bytes === null || this.connection.isClosed) return;
    const receiver = {
      slot: this.slot,
      generation: this.generation,
      opened(): void {},
      received: (slab: Slab, start: number, end: number) => this.#step(slab, start, end),
      ended(): void {},
      writable(): void {},
      failed(): void {},
    };
    handOver(receiver, this.connection.host.readPool, bytes);
    if (this.connection.isClosed) return;
    if (this.#endPutOff) this.ended();
    else if (!this.#isOpen || this.connection.isReading) this.below.resumeReading(this.slot);
  }

  /** The program has found the context of a name. */
  chosen(): void {
    if (this.connection.isClosed || !this.handshake()) return;
    clearTimeout(this.#timer);
  }

  override ended(): void {
    if (this.#putOff === null) super.ended();
    else this.#endPutOff = true;
  }

  /** What was agreed on; undefined before that. */
  get info(): TlsInfo | undefined {
    if (this.#info !== undefined || !this.#upper.isOpen || !this.session.hasFacts) {
      return this.#info;
    }
    const { peerCertificate, ...facts } = this.session.facts();
    this.#info = {
      ...facts,
      servername: this.#handshake.serverName() ?? false,
      peerCertificate:
        peerCertificate === undefined ? undefined : new X509Certificate(peerCertificate),
    };
    return this.#info;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.session.free();
  }

  override closeStream(slot: number, abort: boolean): void {
    clearTimeout(this.#timer);
    this.#putOff = null;
    this.#handshake.heard?.();
    super.closeStream(slot, abort);
    this.#upper.giveUp(undefined);
  }
}

/** Passes on what the transport makes, and keeps what belongs to the handshake from the connection. */
class UpperSide implements TlsReceiver {
  readonly slot: number;
  readonly generation: number;
  readonly #connection: LayeredConnection;
  readonly #handshake: Handshake;
  readonly #counts: TlsCounts;
  /** Somebody has said something: this is no mere look at the port. */
  heard = false;
  isOpen = false;
  #over = false;

  constructor(connection: LayeredConnection, handshake: Handshake, counts: TlsCounts) {
    this.slot = connection.slot;
    this.generation = connection.generation;
    this.#connection = connection;
    this.#handshake = handshake;
    this.#counts = counts;
  }

  opened(): void {
    this.isOpen = true;
    const { accept, done } = this.#handshake;
    const refusal = accept?.() ?? null;
    if (refusal !== null) {
      this.refused(refusal);
      return;
    }
    this.#over = true;
    this.#counts.handshakes++;
    try {
      if (this.#handshake.upgrades === true) this.#connection.upgraded();
      else this.#connection.opened();
    } finally {
      done?.();
    }
  }

  received(slab: Slab, start: number, end: number): void {
    this.#connection.received(slab, start, end);
  }

  ended(): void {
    this.#connection.ended();
  }

  writable(): void {
    this.#connection.writable();
  }

  refused(error: GnetError): void {
    this.giveUp(error);
    this.#connection.refused(error);
  }

  endedEarly(error: GnetError): void {
    if (this.#over) {
      this.#connection.endedEarly(error);
      return;
    }
    this.giveUp(error);
    this.#connection.abort(error);
  }

  failed(error: GnetError): void {
    this.giveUp(error);
    this.#connection.failed(error);
  }

  /** There was no connection yet, and there will be none. Undefined: somebody else has ended it. */
  giveUp(error: GnetError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const { failed } = this.#handshake;
    if (failed !== undefined) {
      failed(error ?? neverOpened(this.#connection.remoteAddr));
    } else if (error !== undefined && this.heard) {
      this.#connection.host.report('a TLS handshake failed', error);
    }
    // A port that is only looked at is nothing to report.
    if (error !== undefined && (this.heard || failed !== undefined)) this.#counts.failures++;
  }
}

function neverOpened(address: string): GnetError {
  return new ErrConnClosed(
    `cannot open a connection to ${address}: it was closed in the handshake of TLS; is the client stopped?`,
    { address },
  );
}
