import { assert } from '../base/assert.ts';
import { generationsMax, slotsMax } from '../base/limits.ts';
import type {
  ConnectionReceiver,
  Layer,
  LayeredConnection,
  LayerFactory,
} from '../connection/layer.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';

/** Layers know less of a connection than it is; what stands in the table came in by `set`. */
function connectionOf(receiver: ConnectionReceiver): StreamConnection {
  return receiver.connection as StreamConnection;
}

/** Connections of a loop by slot. Slots are used again, newest first; generations never are. */
export class ConnectionTable {
  /** By slot: the connection itself, or the lowest layer under it. */
  readonly #receivers: (ConnectionReceiver | null)[] = [];
  /** The generation that the next connection in a slot gets. */
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  /** Connections that hold a slot. */
  size = 0;

  readonly #firstGeneration: number;

  /** @param firstGeneration 1, or above those that an earlier loop of this name has used. */
  constructor(firstGeneration = 1) {
    assert(firstGeneration < generationsMax, 'a slot has generations left');
    this.#firstGeneration = firstGeneration;
  }

  /** A free slot, or -1 when all are taken. */
  reserve(): number {
    const slot = this.#free.pop();
    if (slot !== undefined) return slot;
    if (this.#receivers.length >= slotsMax) return -1;
    this.#receivers.push(null);
    this.#generations.push(this.#firstGeneration);
    return this.#receivers.length - 1;
  }

  generationOf(slot: number): number {
    return this.#generations[slot] as number;
  }

  set(connection: StreamConnection): void {
    assert(this.#receivers[connection.slot] === null, 'the slot is free');
    this.#receivers[connection.slot] = connection;
    this.size++;
  }

  /** Puts a layer between a connection and what carries its bytes so far. */
  putUnder(connection: LayeredConnection, make: LayerFactory): Layer {
    const { slot } = connection;
    assert(this.#receivers[slot] === connection, 'no other layer stands there');
    const layer = make(connection, connection.transport);
    connection.transport = layer;
    this.#receivers[slot] = layer;
    return layer;
  }

  /** The lowest layer goes: `above` stands on what was below it, or the connection itself. */
  replaceLayer({ connection, below }: Layer, above: LayerFactory | undefined): ConnectionReceiver {
    connection.transport = below;
    this.#receivers[connection.slot] = connection;
    return above === undefined ? connection : this.putUnder(connection, above);
  }

  /** The loop is over: layers free their memory outside the heap. No event is called. */
  disposeLayers(): void {
    for (const receiver of this.#receivers) {
      if (receiver !== null && receiver !== receiver.connection) (receiver as Layer).dispose?.();
    }
  }

  /** Who hears of the stream in a slot, or null when it is gone or another one. */
  receiver(slot: number, generation: number): ConnectionReceiver | null {
    const receiver = this.#receivers[slot];
    return receiver !== undefined && receiver !== null && receiver.generation === generation
      ? receiver
      : null;
  }

  /** The connection in a slot, or null when it is gone or another one. */
  get(slot: number, generation: number): StreamConnection | null {
    const receiver = this.receiver(slot, generation);
    return receiver === null ? null : connectionOf(receiver);
  }

  release(connection: StreamConnection): void {
    const { slot } = connection;
    assert(this.#receivers[slot]?.connection === connection, 'a slot is released by its owner');
    this.#receivers[slot] = null;
    this.size--;
    this.retire(slot);
  }

  /** Gives back a slot whose generation a driver knows: the next connection in it has another. */
  retire(slot: number): void {
    const next = this.generationOf(slot) + 1;
    this.#generations[slot] = next;
    if (next < generationsMax) this.#free.push(slot);
  }

  /** Gives back a slot that was reserved and never set. */
  unreserve(slot: number): void {
    this.#free.push(slot);
  }

  /** A copy, so that connections may close while it is walked. */
  all(): StreamConnection[] {
    const receivers = this.#receivers.filter((one) => one !== null);
    return receivers.map(connectionOf);
  }

  /** Those of its connections. */
  slots(): number[] {
    return this.all().map(({ slot }) => slot);
  }

  /** Whether there is a connection in that slot. */
  holds(slot: number): boolean {
    return (this.#receivers[slot] ?? null) !== null;
  }
}
