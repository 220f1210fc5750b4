import { assert } from '../../base/assert.ts';
import { closeDescriptor, mayWait } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { acceptSocket, acceptWithoutWaiting, localName } from '../../syscall/socket.ts';
import type { DriverEvents, Endpoint, GivenSocket, SocketOptions } from '../contract.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { acceptError, missed } from '../native/accept-backoff.ts';
import {
  acceptBatchMax,
  duplicateListener,
  endListening,
  givenSocketOf,
  type NativeListener,
  nativeListener,
  removeOwnPath,
} from '../native/native-listener.ts';
import { openListener } from '../native/open-sockets.ts';
import { eventKind } from './event-tags.ts';
import { type Poller, readable } from './poller.ts';

interface Listener extends NativeListener {
  registered: boolean;
}

/** Accepting of a readiness driver. */
export class Listeners {
  readonly #poller: Poller;
  readonly #events: DriverEvents;
  readonly #ledger: DescriptorLedger | undefined;
  readonly #listeners: (Listener | undefined)[] = [];
  #generation = 0;
  /** The newest accepted descriptor; `acceptedPeer` still knows its peer. */
  lastAccepted = -1;

  constructor(poller: Poller, events: DriverEvents, ledger?: DescriptorLedger) {
    this.#poller = poller;
    this.#events = events;
    this.#ledger = ledger;
  }

  listen(id: number, endpoint: Endpoint, options: SocketOptions): void {
    assert(this.#listeners[id] === undefined, 'a listener is opened once');
    const opened = openListener(endpoint, options);
    this.#ledger?.opened(opened.descriptor);
    this.#generation++;
    const listener = nativeListener(opened, this.#generation, options);
    this.#listeners[id] = { ...listener, registered: false };
  }

  descriptorOf(id: number): number {
    return this.#get(id).descriptor;
  }

  #get(id: number): Listener {
    const listener = this.#listeners[id];
    assert(listener !== undefined, 'the listener is open');
    return listener;
  }

  start(id: number): void {
    const listener = this.#get(id);
    if (listener.registered) return;
    const tag = eventKind.listener + id;
    const result = this.#poller.add(listener.descriptor, readable, tag, listener.generation);
    if (result < 0) {
      const address = localName(listener.descriptor);
      throw syscallError(
        this.#poller.controlCall,
        -result,
        `accept connections on ${address}`,
        address,
      );
    }
    listener.registered = true;
    listener.ownsPath = true;
  }

  pause(id: number): void {
    const listener = this.#get(id);
    if (!listener.registered) return;
    this.#poller.remove(listener.descriptor);
    listener.registered = false;
  }

  ready(id: number, generation: number): void {
    const listener = this.#listeners[id];
    if (listener?.generation !== generation || !listener.registered) return;
    this.#accept(id, listener, acceptBatchMax, false);
  }

  drain(id: number): void {
    const listener = this.#get(id);
    this.pause(id);
    // The kernel keeps one more than it was asked for. Who comes meanwhile must not hold up the stop.
    this.#accept(id, listener, listener.backlog + 1, true);
    endListening(listener);
  }

  duplicate(id: number): number {
    return duplicateListener(this.#get(id));
  }

  socketOf(id: number): GivenSocket {
    return givenSocketOf(this.#get(id));
  }

  leave(id: number): void {
    const { descriptor } = this.#get(id);
    this.pause(id);
    this.#listeners[id] = undefined;
    closeDescriptor(descriptor, this.#ledger?.bits);
  }

  #accept(id: number, listener: Listener, max: number, draining: boolean): void {
    // Another holder may have made it blocking: then one by one, for each of which an event comes.
    const waits = mayWait(listener.descriptor);
    const most = waits && !draining ? 1 : max;
    const bits = this.#ledger?.bits;
    for (let count = 0; count < most; count++) {
      const { descriptor } = listener;
      const result = waits
        ? acceptWithoutWaiting(descriptor, bits)
        : acceptSocket(descriptor, bits);
      if (result >= 0) {
        listener.rest.accepted();
        this.lastAccepted = result;
        this.#events.accepted(id, result);
        this.lastAccepted = -1;
        // The loop may have stopped accepting, or closed this listener, on that connection.
        if (!listener.registered && !draining) return;
        continue;
      }
      const outcome = listener.rest.missed(-result);
      if (outcome === missed.skip) continue;
      if (outcome === missed.rest) this.#rest(id, listener, -result);
      return;
    }
  }

  /** Out of the set, so that the waiting connections cost nothing until `startAccepting`. */
  #rest(id: number, listener: Listener, errno: number): void {
    const error = acceptError(listener.descriptor, errno);
    this.pause(id);
    this.#events.acceptRested(id, error, listener.rest.after(errno));
  }

  close(id: number): void {
    const listener = this.#listeners[id];
    if (listener === undefined) return;
    this.pause(id);
    this.#listeners[id] = undefined;
    removeOwnPath(listener);
    closeDescriptor(listener.descriptor, this.#ledger?.bits);
  }

  closeAll(): void {
    for (let id = 0; id < this.#listeners.length; id++) this.close(id);
  }
}
