import type { GnetError } from '../../base/errors.ts';
import type { Slab } from '../../buffer/slab.ts';
import type { Transport } from '../../driver/transport.ts';
import { replayBytes } from '../replay-bytes.ts';
import type { LayeredConnection } from '../layer.ts';
import type { OpeningLimit } from '../opening-limit.ts';
import type { HandshakeGate, Waiting } from './handshake-gate.ts';

/** The layer whose handshake waits for its turn. */
export interface GatedLayer {
  readonly slot: number;
  readonly connection: LayeredConnection;
  readonly below: Transport;
  readonly isOpen: boolean;
  /** One step of the handshake. */
  step(slab: Slab, start: number, end: number): void;
  ended(): void;
  failed(error: GnetError): void;
}

/** A peer's handshake bytes: the gate allows a number of steps per turn; the rest waits. */
export class GatedInput implements Waiting {
  readonly #layer: GatedLayer;
  readonly #gate: HandshakeGate;
  readonly #limit: OpeningLimit;
  /** What was received while the gate was closed; null when it is not waited for. */
  #bytes: Buffer | null = null;
  #endDue = false;

  /** @param limit of the handshake. */
  constructor(layer: GatedLayer, gate: HandshakeGate, limit: OpeningLimit) {
    this.#layer = layer;
    this.#gate = gate;
    this.#limit = limit;
  }

  received(slab: Slab, start: number, end: number): void {
    if (this.#bytes === null && this.#gate.isOpen) this.#layer.step(slab, start, end);
    else this.#wait(slab.bytes.subarray(start, end));
  }

  /** There were enough steps of handshakes in this turn. */
  #wait(bytes: Uint8Array): void {
    if (this.#bytes !== null) {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      return;
    }
    this.#bytes = Buffer.from(bytes);
    this.#limit.inputWaits = true;
    this.#layer.below.pauseReading(this.#layer.slot);
    this.#gate.wait(this);
  }

  /** The peer has ended; false when that waits, too: `ended` of the layer follows. */
  takesEnd(): boolean {
    if (this.#bytes === null) return true;
    this.#endDue = true;
    return false;
  }

  /** The stream is closed. */
  drop(): void {
    this.#bytes = null;
  }

  /** The turn has come. */
  goOn(): void {
    const layer = this.#layer;
    const { slot, connection, below } = layer;
    const bytes = this.#bytes;
    this.#bytes = null;
    this.#limit.inputWaits = false;
    if (bytes === null || connection.isClosed) return;
    const receiver = {
      received: (slab: Slab, start: number, end: number) => layer.step(slab, start, end),
      failed: (error: GnetError) => layer.failed(error),
    };
    replayBytes(receiver, connection.owner.readPool, bytes);
    if (connection.isClosed) return;
    if (this.#endDue) layer.ended();
    else if (!layer.isOpen || connection.isReading) below.resumeReading(slot);
  }
}
