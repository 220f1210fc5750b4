import { assert } from '../../base/assert.ts';
import type { DriverEvents, Endpoint } from '../contract.ts';
import type { SimulatedEnd } from './channel.ts';
import { type Callee, type SimulatedNetwork, simulatedError } from './network.ts';

const restMsFirst = 5;
const restMsLast = 1_000;

/** A listener of the driver: who calls it waits in `backlog` until it is accepted. */
class SimulatedListener implements Callee {
  readonly endpoint: Endpoint;
  readonly address: string;
  readonly receiveBytes: number;
  readonly descriptor: number;
  readonly backlog: SimulatedEnd[] = [];
  /** After `drainBacklog`, callers are refused. */
  refusing = false;
  accepting = false;
  duplicated = false;
  restMs = restMsFirst;

  constructor(endpoint: Endpoint, address: string, receiveBytes: number, descriptor: number) {
    this.endpoint = endpoint;
    this.address = address;
    this.receiveBytes = receiveBytes;
    this.descriptor = descriptor;
  }

  called(end: SimulatedEnd): void {
    this.backlog.push(end);
  }
}

/** What the listeners need of their driver. */
export interface ListenerSurroundings {
  readonly network: SimulatedNetwork;
  readonly events: DriverEvents;
  /** Whether a descriptor can be had. */
  hasDescriptors(): boolean;
  openDescriptor(): number;
  freeDescriptor(descriptor: number): void;
}

export class SimulatedListeners {
  readonly #around: ListenerSurroundings;
  readonly #listeners = new Map<number, SimulatedListener>();
  /** Accepted ends that no stream was opened for yet. */
  readonly #accepted = new Map<number, SimulatedEnd>();

  constructor(around: ListenerSurroundings) {
    this.#around = around;
  }

  get(id: number): SimulatedListener {
    const listener = this.#listeners.get(id);
    assert(listener !== undefined, `listener ${id} is open`);
    return listener;
  }

  ids(): number[] {
    return [...this.#listeners.keys()];
  }

  listen(id: number, endpoint: Endpoint, receiveBytes: number): void {
    assert(!this.#listeners.has(id), `listener ${id} is free`);
    const address = this.#around.network.bind(endpoint);
    const descriptor = this.#around.openDescriptor();
    const listener = new SimulatedListener(endpoint, address, receiveBytes, descriptor);
    this.#listeners.set(id, listener);
    this.#around.network.listen(listener);
  }

  drain(id: number): void {
    const listener = this.get(id);
    listener.accepting = true;
    this.accept(id, listener.backlog.length);
    listener.accepting = false;
    listener.refusing = !listener.duplicated;
  }

  close(id: number): void {
    const listener = this.get(id);
    this.#listeners.delete(id);
    this.#around.network.unlisten(listener.address);
    for (const end of listener.backlog.splice(0)) end.close(true);
    this.#around.freeDescriptor(listener.descriptor);
  }

  duplicate(id: number): number {
    this.get(id).duplicated = true;
    return this.#around.openDescriptor();
  }

  /** Reports at most `most` connections. Returns how many events there were. */
  accept(id: number, most: number): number {
    const listener = this.#listeners.get(id);
    if (listener === undefined) return 0;
    const { network, events } = this.#around;
    let count = 0;
    while (count < most && listener.backlog.length > 0 && listener.accepting) {
      if (this.#listeners.get(id) !== listener) break;
      count++;
      if (!this.#around.hasDescriptors() || network.random.chance(network.faults.acceptRefusal)) {
        this.#rest(id, listener);
        break;
      }
      listener.restMs = restMsFirst;
      const descriptor = this.#around.openDescriptor();
      this.#accepted.set(descriptor, listener.backlog.shift() as SimulatedEnd);
      events.accepted(id, descriptor);
    }
    return count;
  }

  #rest(id: number, listener: SimulatedListener): void {
    const { address, restMs } = listener;
    listener.accepting = false;
    listener.restMs = Math.min(restMs * 2, restMsLast);
    const error = simulatedError('EMFILE', 'accept', `accept on ${address}`, address);
    this.#around.events.acceptRested(id, error, restMs);
  }

  /** The connection behind an accepted descriptor, which is the caller's from now on. */
  takeAccepted(descriptor: number): SimulatedEnd | undefined {
    const end = this.#accepted.get(descriptor);
    this.#accepted.delete(descriptor);
    return end;
  }

  get someoneWaits(): boolean {
    for (const { accepting, backlog } of this.#listeners.values()) {
      if (accepting && backlog.length > 0) return true;
    }
    return false;
  }

  /** Listeners, and connections that were accepted and never used. */
  closeAll(): void {
    for (const id of this.ids()) this.close(id);
    for (const [descriptor, end] of this.#accepted) {
      end.close(true);
      this.#around.freeDescriptor(descriptor);
    }
    this.#accepted.clear();
  }
}
