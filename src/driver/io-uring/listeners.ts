import { assert } from '../../base/assert.ts';
import { SyscallError } from '../../base/errors.ts';
import type { Slab } from '../../buffer/slab.ts';
import { closeDescriptor, mayWait } from '../../syscall/descriptor.ts';
import {
  acceptedPeer,
  acceptSocket,
  makeRoomForPeer,
  peerBytesMax,
  peerIn,
} from '../../syscall/socket.ts';
import { emptyInetAddress } from '../../syscall/socket-address.ts';
import type {
  DatagramPeer,
  DriverEvents,
  Endpoint,
  GivenSocket,
  SocketOptions,
} from '../contract.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { acceptError, missed } from '../native/accept-backoff.ts';
import { canceled } from '../native/errno-sets.ts';
import {
  acceptBatchMax,
  acceptNext,
  duplicateListener,
  endListening,
  givenSocketOf,
  type NativeListener,
  nativeListener,
  removeOwnPath,
} from '../native/native-listener.ts';
import { nativeSlabPool } from '../native/native-memory.ts';
import { type OpenedSocket, openListener } from '../native/open-sockets.ts';
import { completionWords, generationWord, resultWord, tagWord } from './completion-queue.ts';
import { ignoredTag, kind, tagOf } from './completion-tags.ts';
import type { Operations } from './operations.ts';
import type { Ring } from './ring.ts';

/**
 * A process that used io_uring and was killed holds its sockets for some milliseconds after its end:
 * a busy address is tried again that often before it is reported. Only a failing start waits.
 */
const listenTriesMax = 10;
const listenRetryMs = 5;
const pause = new Int32Array(new SharedArrayBuffer(4));

function viewOf({ bytes }: Slab): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, peerBytesMax);
}

function openPatiently(endpoint: Endpoint, options: SocketOptions): OpenedSocket {
  for (let tries = 1; ; tries++) {
    try {
      return openListener(endpoint, options);
    } catch (error) {
      const busy = error instanceof SyscallError && error.code === 'EADDRINUSE';
      if (!busy || tries === listenTriesMax) throw error;
      Atomics.wait(pause, 0, 0, listenRetryMs);
    }
  }
}

const peerRooms = nativeSlabPool(4_096);

function openWithRoom(room: Slab, endpoint: Endpoint, options: SocketOptions): OpenedSocket {
  try {
    return openPatiently(endpoint, options);
  } catch (error) {
    peerRooms.release(room);
    throw error;
  }
}

interface Accepted {
  readonly descriptor: number;
  readonly peer: DatagramPeer | string;
}

interface Listener extends NativeListener {
  /** The loop wants connections. */
  wanted: boolean;
  /** An accept is in flight. */
  armed: boolean;
  /** Where that one leaves the peer's address. */
  readonly room: Slab;
  /** Connections the kernel had accepted when the loop paused. */
  readonly kept: Accepted[];
}

/**
 * Listeners with an accept each, in flight. It takes the first connection of a turn; calls take those
 * that wait behind it, as long as the loop wants them.
 */
export class UringListeners {
  readonly #ring: Ring;
  readonly #operations: Operations;
  readonly #events: DriverEvents;
  readonly #ledger: DescriptorLedger | undefined;
  readonly #listeners: (Listener | undefined)[] = [];
  #generation = 0;
  /** A listener that is wanted again has kept connections to report. */
  due = false;
  /** The connection that is being reported, and its peer. */
  #reported = -1;
  readonly #address: DatagramPeer = emptyInetAddress();
  #peer: DatagramPeer | string = this.#address;

  constructor(
    ring: Ring,
    operations: Operations,
    events: DriverEvents,
    ledger: DescriptorLedger | undefined,
  ) {
    this.#ledger = ledger;
    this.#ring = ring;
    this.#operations = operations;
    this.#events = events;
  }

  listen(id: number, endpoint: Endpoint, options: SocketOptions): void {
    assert(this.#listeners[id] === undefined, 'a listener is opened once');
    const room = peerRooms.take();
    const opened = openWithRoom(room, endpoint, options);
    this.#ledger?.opened(opened.descriptor);
    this.#generation++;
    const listener = nativeListener(opened, this.#generation, options);
    this.#listeners[id] = { ...listener, wanted: false, armed: false, room, kept: [] };
  }

  #get(id: number): Listener {
    const listener = this.#listeners[id];
    assert(listener !== undefined, 'the listener is open');
    return listener;
  }

  descriptorOf(id: number): number {
    return this.#get(id).descriptor;
  }

  duplicate(id: number): number {
    return duplicateListener(this.#get(id));
  }

  socketOf(id: number): GivenSocket {
    return givenSocketOf(this.#get(id));
  }

  start(id: number): void {
    const listener = this.#get(id);
    if (listener.wanted) return;
    listener.wanted = true;
    listener.ownsPath = true;
    if (listener.kept.length > 0) {
      this.due = true;
      if (!this.#ring.waiting) this.#ring.signal();
    }
    if (!listener.armed) this.#arm(id, listener);
  }

  #arm(id: number, listener: Listener): void {
    listener.armed = true;
    const tag = tagOf(kind.accept, id);
    const { room } = listener;
    makeRoomForPeer(viewOf(room), 0);
    this.#operations.accept(listener.descriptor, room, tag, listener.generation);
  }

  pause(id: number): void {
    const listener = this.#get(id);
    if (!listener.wanted) return;
    listener.wanted = false;
    if (listener.armed) this.#cancel(id, listener);
  }

  #cancel(id: number, listener: Listener): void {
    this.#operations.cancel(tagOf(kind.accept, id), listener.generation);
  }

  /** The accept has ended. Returns how many events were reported. */
  accepted(id: number, generation: number, result: number): number {
    const listener = this.#listeners[id];
    if (listener?.generation !== generation) {
      if (result >= 0) this.#close(result);
      return 0;
    }
    listener.armed = false;
    const reported =
      result >= 0 ? this.#admit(id, listener, result) : this.#missed(id, listener, -result);
    const open = this.#listeners[id] === listener;
    if (open && listener.wanted && !listener.armed) this.#arm(id, listener);
    return reported;
  }

  #admit(id: number, listener: Listener, descriptor: number): number {
    listener.rest.accepted();
    if (!listener.wanted) {
      this.#keep(listener, descriptor);
      return 0;
    }
    this.#report(id, descriptor, this.#peerIn(listener.room));
    return 1 + this.#acceptMore(id, listener);
  }

  #keep(listener: Listener, descriptor: number): void {
    const peer = this.#peerIn(listener.room);
    const own = typeof peer === 'string' ? peer : { ...peer };
    listener.kept.push({ descriptor, peer: own });
  }

  #peerIn(room: Slab): DatagramPeer | string {
    return peerIn(viewOf(room), room.bytes, 0, this.#address) ?? this.#address;
  }

  #report(id: number, descriptor: number, peer: DatagramPeer | string): void {
    this.#reported = descriptor;
    this.#peer = peer;
    this.#events.accepted(id, descriptor);
    this.#reported = -1;
  }

  /** One that a call of our own has accepted. */
  #reportAccepted(id: number, descriptor: number): void {
    this.#ledger?.opened(descriptor);
    this.#report(id, descriptor, acceptedPeer(this.#address) ?? this.#address);
  }

  /** The peer of the connection that is being reported; undefined for any other. */
  peerOf(descriptor: number): DatagramPeer | string | undefined {
    return descriptor === this.#reported ? this.#peer : undefined;
  }

  /** What waits behind the first, without a turn of the ring for each. */
  #acceptMore(id: number, listener: Listener): number {
    // Another holder made it blocking: the ring alone never waits.
    if (mayWait(listener.descriptor)) return 0;
    for (let count = 0; ; count++) {
      const open = this.#listeners[id] === listener;
      if (count === acceptBatchMax || !open || !listener.wanted) return count;
      const result = acceptSocket(listener.descriptor);
      if (result >= 0) {
        this.#reportAccepted(id, result);
        continue;
      }
      const outcome = listener.rest.missed(-result);
      if (outcome === missed.nothingWaits) return count;
      if (outcome === missed.skip) continue;
      this.#rest(id, listener, -result);
      return count + 1;
    }
  }

  #missed(id: number, listener: Listener, errno: number): number {
    if (!listener.wanted || errno === canceled) return 0;
    if (listener.rest.missed(errno) !== missed.rest) return 0;
    this.#rest(id, listener, errno);
    return 1;
  }

  #rest(id: number, listener: Listener, errno: number): void {
    const error = acceptError(listener.descriptor, errno);
    this.pause(id);
    this.#events.acceptRested(id, error, listener.rest.after(errno));
  }

  /** Connections that were kept through a pause. Returns how many were reported. */
  reportKept(): number {
    if (!this.due) return 0;
    this.due = false;
    let reported = 0;
    this.#listeners.forEach((listener, id) => {
      if (listener !== undefined) reported += this.#reportKeptOf(id, listener);
    });
    return reported;
  }

  #reportKeptOf(id: number, listener: Listener): number {
    let reported = 0;
    while (listener.wanted && this.#listeners[id] === listener) {
      const kept = listener.kept.shift();
      if (kept === undefined) break;
      this.#report(id, kept.descriptor, kept.peer);
      reported++;
    }
    return reported;
  }

  drain(id: number): void {
    const listener = this.#get(id);
    listener.wanted = false;
    this.#settle(id, listener);
    this.#takeFromList(id, listener);
    for (const { descriptor, peer } of listener.kept.splice(0)) this.#report(id, descriptor, peer);
    this.#acceptRest(id, listener);
    endListening(listener);
  }

  /** Ends the accept in flight; its completion is then in the list. False: the accept continues. */
  #settle(id: number, listener: Listener): boolean {
    if (!listener.armed) return true;
    this.#cancel(id, listener);
    return this.#ring.settle(tagOf(kind.accept, id), listener.generation);
  }

  /** Moves what the kernel has accepted from the list of completions to `kept`. */
  #takeFromList(id: number, listener: Listener): void {
    const { list, count } = this.#ring.completions;
    const tag = tagOf(kind.accept, id);
    for (let index = this.#ring.position; index < count; index++) {
      const at = index * completionWords;
      if (list[at + tagWord] !== tag || list[at + generationWord] !== listener.generation) continue;
      const result = list[at + resultWord] as number;
      if (result >= 0) this.#keep(listener, result);
      list[at + tagWord] = ignoredTag;
    }
    listener.armed = false;
  }

  /** The kernel keeps one more than it was asked for. Who comes meanwhile must not hold up the stop. */
  #acceptRest(id: number, listener: Listener): void {
    for (let count = 0; count <= listener.backlog; count++) {
      const result = acceptNext(listener.descriptor);
      if (result >= 0) {
        this.#reportAccepted(id, result);
        continue;
      }
      const outcome = listener.rest.missed(-result);
      if (outcome === missed.skip) continue;
      if (outcome === missed.rest) this.#rest(id, listener, -result);
      return;
    }
  }

  leave(id: number): void {
    const listener = this.#get(id);
    listener.wanted = false;
    const settled = this.#settle(id, listener);
    this.#takeFromList(id, listener);
    for (const { descriptor, peer } of listener.kept.splice(0)) this.#report(id, descriptor, peer);
    if (settled) peerRooms.release(listener.room);
    this.#listeners[id] = undefined;
    this.#close(listener.descriptor);
  }

  close(id: number): void {
    const listener = this.#listeners[id];
    if (listener === undefined) return;
    listener.wanted = false;
    // Else the kernel may still write there.
    if (this.#settle(id, listener)) peerRooms.release(listener.room);
    this.#listeners[id] = undefined;
    for (const { descriptor } of listener.kept.splice(0)) this.#close(descriptor);
    removeOwnPath(listener);
    this.#close(listener.descriptor);
  }

  #close(descriptor: number): void {
    closeDescriptor(descriptor, this.#ledger?.bits);
  }

  closeAll(): void {
    for (let id = 0; id < this.#listeners.length; id++) this.close(id);
  }
}
