import { ErrUnsupportedOp, GnetError } from '../base/errors.ts';
import { codecError } from '../connection/reply.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { Driver, Endpoint, SocketOptions } from '../driver/contract.ts';
import { selfConnected } from './self-connected.ts';
import type { ConnectionTable } from './connection-table.ts';

/** Who dialled. One of the two is called, once, from inside a wait or `dial`; none after `abandon`. */
export interface DialOutcome {
  /** The stream is open. The caller sets the connection up and has the loop `begin` it. */
  connected(connection: StreamConnection): void;
  /** Nothing is left of the attempt. */
  failed(error: GnetError): void;
}

/** An outgoing connection that is not open yet: a slot, and the driver's stream in it. */
export interface Attempt {
  readonly slot: number;
  readonly generation: number;
  readonly outcome: DialOutcome;
}

/**
 * Outgoing connections of a loop until they stand. An attempt is no `StreamConnection`: nobody may
 * write to it, no event tells of it, and no hot path asks whether there is one. Its slot is not used
 * again under the same generation, whatever comes of it.
 */
export class Dialer {
  /** A dial has just succeeded: who awaits it should have a turn soon. */
  succeeded = false;
  readonly #driver: Driver;
  readonly #table: ConnectionTable;
  readonly #options: SocketOptions;
  readonly #admit: (slot: number) => StreamConnection;
  readonly #attempts = new Map<number, Attempt>();

  /** @param admit makes the connection of a slot and counts it; throws when the codec does. */
  constructor(
    driver: Driver,
    table: ConnectionTable,
    options: SocketOptions,
    admit: (slot: number) => StreamConnection,
  ) {
    this.#driver = driver;
    this.#table = table;
    this.#options = options;
    this.#admit = admit;
  }

  /** Begins to connect; null when that failed at once, which `outcome` has then heard of. */
  dial(endpoint: Endpoint, outcome: DialOutcome): Attempt | null {
    const slot = this.#table.reserve();
    if (slot === -1) {
      outcome.failed(
        new ErrUnsupportedOp('cannot dial: every connection slot of the loop is in use'),
      );
      return null;
    }
    const generation = this.#table.generationOf(slot);
    try {
      this.#driver.connect(slot, generation, endpoint, this.#options);
    } catch (error) {
      this.#table.retire(slot);
      if (!(error instanceof GnetError)) throw error;
      outcome.failed(error);
      return null;
    }
    const attempt = { slot, generation, outcome };
    this.#attempts.set(slot, attempt);
    return attempt;
  }

  connected(slot: number, generation: number): void {
    const attempt = this.#take(slot, generation);
    if (attempt === null) return;
    const refused = selfConnected(this.#driver, slot);
    if (refused !== null) {
      this.#close(slot);
      attempt.outcome.failed(refused);
      return;
    }
    let connection: StreamConnection;
    try {
      connection = this.#admit(slot);
    } catch (error) {
      this.#close(slot);
      attempt.outcome.failed(codecError('function', error));
      return;
    }
    this.succeeded = true;
    attempt.outcome.connected(connection);
  }

  /** Of a stream that is no connection of the table. */
  failed(slot: number, generation: number, error: GnetError): void {
    const attempt = this.#take(slot, generation);
    if (attempt === null) return;
    this.#close(slot);
    attempt.outcome.failed(error);
  }

  /** Closes an attempt, unless it is over. */
  abandon(attempt: Attempt): void {
    if (this.#take(attempt.slot, attempt.generation) !== null) this.#close(attempt.slot);
  }

  #take(slot: number, generation: number): Attempt | null {
    const attempt = this.#attempts.get(slot);
    if (attempt === undefined || attempt.generation !== generation) return null;
    this.#attempts.delete(slot);
    return attempt;
  }

  #close(slot: number): void {
    this.#driver.closeStream(slot, true);
    this.#table.retire(slot);
  }
}
