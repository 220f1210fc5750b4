import { assert } from '../base/assert.ts';
import { generationsMax, slotsMax } from '../base/limits.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';

/** Connections of a loop by slot. Slots are used again, newest first; generations never are. */
export class ConnectionTable {
  readonly #connections: (StreamConnection | null)[] = [];
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
    if (this.#connections.length >= slotsMax) return -1;
    this.#connections.push(null);
    this.#generations.push(this.#firstGeneration);
    return this.#connections.length - 1;
  }

  generationOf(slot: number): number {
    return this.#generations[slot] as number;
  }

  set(connection: StreamConnection): void {
    assert(this.#connections[connection.slot] === null, 'the slot is free');
    this.#connections[connection.slot] = connection;
    this.size++;
  }

  /** The connection in a slot, or null when it is gone or another one. */
  get(slot: number, generation: number): StreamConnection | null {
    const connection = this.#connections[slot];
    return connection !== undefined && connection !== null && connection.generation === generation
      ? connection
      : null;
  }

  release(connection: StreamConnection): void {
    const { slot } = connection;
    assert(this.#connections[slot] === connection, 'a slot is released by its owner');
    this.#connections[slot] = null;
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
    return this.#connections.filter((one) => one !== null);
  }
}
