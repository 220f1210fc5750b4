import type { Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import type { GnetError } from '../../base/errors.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { chunkGarbage } from '../../host/chunk-garbage.ts';
import type { SocketWish } from '../contract.ts';
import { addressText } from './address-text.ts';
import type { ResetSearch } from './half-open.ts';
import type { Reporter, ReporterOwner } from './reporter.ts';
import { connectError, runtimeError } from './runtime-error.ts';
import { sendQueues } from './send-queues.ts';

/** Bytes given to the socket in one write: what is copied while the kernel is slow. */
const pieceBytesMax = 65_536;
/** Bytes a send or flush gives away before other connections have their turn. */
const sendBytesMax = 4 * 1_024 * 1_024;

const nothing = new Uint8Array(0);

export interface StreamIdentity {
  readonly slot: number;
  readonly generation: number;
  readonly kind: 'tcp' | 'unix';
  /** The peer as text; the socket forgets it when it breaks. */
  readonly remoteAddress: string;
  /** Our end as text, where it is known without asking the socket. */
  readonly localAddress: string | null;
  readonly connecting: boolean;
}

/** Where a socket has its stream, so that all sockets share their listeners. */
const streamOf = Symbol('the stream of this socket');
type OwnedSocket = Socket & { [streamOf]: NodeStream };

/**
 * One stream over a socket of `node:net`. What the socket pushes is only noted; it is reported from
 * inside `wait`.
 *
 * Sending keeps an exact account of what the kernel took, so that closing never loses bytes and a
 * flush is over when it says so. A piece that the kernel does not take at once stays in a copy of the
 * socket's (`#presented`) and still counts as not taken: the caller keeps it queued. Once the kernel
 * has it, the next `flush` only strikes it off the queue (`#delivered`).
 */
export class NodeStream implements Reporter, ResetSearch {
  queued = false;
  open = true;
  readonly identity: StreamIdentity;
  readonly #owner: ReporterOwner;
  readonly #socket: Socket;
  #localAddress: string | null;
  #connecting: boolean;
  #connectedDue = false;
  // Reading.
  #wanted = true;
  /** What was read and not reported, from `#chunkStart` on. */
  #chunk: Buffer | null = null;
  #chunkStart = 0;
  /** The socket said that it has more while `#chunk` was full, or nothing was wanted. */
  #moreToRead = false;
  #endDue = false;
  #ended = false;
  // Sending.
  #presented = 0;
  #delivered = 0;
  #awaitsWritable = false;
  #writableDue = false;
  /** Something was sent since the kernel's send queue was last seen empty. */
  #mayBeQueued = false;
  // Breaking.
  #error: GnetError | null = null;
  #failed = false;
  /** Something waits to be sent, or was tried: a failure is reported though bytes wait. */
  #unsendable = false;

  /**
   * Takes over a socket from which nothing was read. @param broken what it has suffered already.
   */
  constructor(
    owner: ReporterOwner,
    socket: Socket,
    identity: StreamIdentity,
    broken: Error | null,
  ) {
    this.#owner = owner;
    this.#socket = socket;
    this.identity = identity;
    this.#localAddress = identity.localAddress;
    this.#connecting = identity.connecting;
    (socket as OwnedSocket)[streamOf] = this;
    const listeners = NodeStream.#listeners;
    socket.on('error', listeners.error);
    socket.on('end', listeners.end);
    if (identity.connecting) socket.on('connect', listeners.connect);
    if (broken !== null) this.#onError(broken);
    else if (socket.destroyed) {
      // Bun ends some attempts to connect at once, and tells of the error later.
      this.#onError(socket.errored ?? Object.assign(new Error(), { code: 'ECONNRESET' }));
    }
    // It was read to its end before it was taken over.
    else if (socket.readableEnded) this.#onEnd();
    // Listening for this one starts the reading.
    else socket.on('readable', listeners.readable);
  }

  static readonly #listeners = {
    error(this: OwnedSocket, error: Error): void {
      this[streamOf].#onError(error);
    },
    end(this: OwnedSocket): void {
      this[streamOf].#onEnd();
    },
    connect(this: OwnedSocket): void {
      this[streamOf].#onConnect();
    },
    readable(this: OwnedSocket): void {
      this[streamOf].#onReadable();
    },
  };

  // -- what the socket tells ----------------------------------------------------------------------

  #onConnect(): void {
    this.#connecting = false;
    this.#connectedDue = true;
    this.#enqueue();
  }

  #onReadable(): void {
    // Read early, so that a reset behind these bytes does not take them along.
    if (this.#chunk === null && this.#wanted) this.#fillChunk();
    else this.#moreToRead = true;
    if (this.#chunk !== null && this.#wanted) this.#enqueue();
  }

  #onEnd(): void {
    this.#endDue = true;
    this.#enqueue();
  }

  #onError(error: Error): void {
    if (this.#error !== null) return;
    const address = this.identity.remoteAddress;
    const action = `go on with the connection to ${address}`;
    this.#error = this.#connecting
      ? connectError(error, address)
      : runtimeError(error, 'read', action, address);
    // Behind a peer's end Linux says EPIPE for a reset; and here only a write can find one.
    const mayBeReset = this.#ended || this.identity.kind === 'tcp';
    if (mayBeReset && this.#error.code === 'EPIPE') {
      const reset = Object.assign(new Error(), { code: 'ECONNRESET' });
      this.#error = runtimeError(reset, 'read', action, address);
    }
    // What arrived before it can be read from the socket even now.
    if (this.#socket.readableLength > 0) this.#moreToRead = true;
    if (this.#awaitsWritable) this.#unsendable = true;
    this.#enqueue();
  }

  /** A write is over; of the last one the kernel may have had everything before. */
  readonly #onWritten = (error?: Error | null): void => {
    if (this.#presented === 0 || this.#socket.writableLength > 0 || error) return;
    this.#delivered = this.#presented;
    this.#presented = 0;
    if (!this.#awaitsWritable) return;
    this.#writableDue = true;
    this.#enqueue();
  };

  #enqueue(): void {
    if (this.open && !this.#failed) this.#owner.enqueue(this);
  }

  // -- what the loop hears ------------------------------------------------------------------------

  report(): number {
    if (!this.open || this.#failed) return 0;
    const { slot, generation } = this.identity;
    const { events } = this.#owner;
    let count = 0;
    if (this.#connectedDue) {
      this.#connectedDue = false;
      count++;
      events.connected(slot, generation);
    }
    if (this.open && this.#writableDue && this.#error === null) {
      this.#writableDue = false;
      this.#awaitsWritable = false;
      count++;
      events.writable(slot, generation);
    }
    if (this.open && this.#wanted && !this.#connecting) count += this.#reportBytes();
    if (!this.open) return count;
    const bytesWait = this.#chunk !== null || this.#moreToRead;
    if (bytesWait && (this.#error === null || !this.#unsendable)) return count;
    if (this.#error !== null) {
      this.#failed = true;
      count++;
      events.failed(slot, generation, this.#error);
    } else if (this.#endDue && this.#wanted) {
      this.#endDue = false;
      this.#ended = true;
      count++;
      events.ended(slot, generation);
      if (this.open) this.#owner.halfOpen.add(this);
    }
    return count;
  }

  #reportBytes(): number {
    if (this.#chunk === null) this.#fillChunk();
    const chunk = this.#chunk;
    if (chunk === null) return 0;
    const owner = this.#owner;
    const slab = owner.readSlab();
    const start = this.#chunkStart;
    const length = Math.min(chunk.length - start, owner.readBytes);
    chunk.copy(slab.bytes, owner.headroomBytes, start, start + length);
    this.#chunkStart = start + length;
    if (this.#chunkStart === chunk.length) this.#chunk = null;
    if (this.#chunk !== null || this.#moreToRead) owner.enqueue(this);
    owner.counters.bytesReceived += length;
    const end = owner.headroomBytes + length;
    owner.events.received(
      this.identity.slot,
      this.identity.generation,
      slab,
      owner.headroomBytes,
      end,
    );
    return 1;
  }

  #fillChunk(): void {
    this.#chunk = this.#socket.read() as Buffer | null;
    this.#chunkStart = 0;
    // Some versions give one piece of several; only an empty socket says again that it has something.
    this.#moreToRead = this.#chunk !== null && this.#socket.readableLength > 0;
    if (this.#chunk !== null) chunkGarbage.made(this.#chunk.length);
  }

  /** What the runtime has read; the kernel has more only where the runtime's own limit stopped it. */
  get unreadBytes(): number {
    const { readableLength, readableHighWaterMark } = this.#socket;
    if (readableLength >= readableHighWaterMark) return -1;
    const chunk = this.#chunk === null ? 0 : this.#chunk.length - this.#chunkStart;
    return chunk + readableLength;
  }

  // -- what the loop asks for ---------------------------------------------------------------------

  /** Of keep-alive the runtime knows one time. */
  wish({ noDelay, keepAlive }: SocketWish): void {
    if (noDelay !== undefined) this.#socket.setNoDelay(noDelay);
    if (keepAlive === undefined) return;
    this.#socket.setKeepAlive(keepAlive.on, keepAlive.idleSeconds * 1_000);
  }

  pauseReading(): void {
    this.#wanted = false;
  }

  resumeReading(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#enqueue();
  }

  /** As `Driver.send`. */
  send(bytes: Uint8Array, offset: number, length: number): number {
    if (this.#isBroken()) return -1;
    assert(this.#delivered === 0, 'what the kernel took meanwhile is struck off by a flush');
    let taken = 0;
    while (taken < length && taken < sendBytesMax) {
      const piece = Math.min(pieceBytesMax, length - taken);
      if (!this.#present(bytes, offset + taken, piece)) break;
      taken += piece;
    }
    this.#owner.counters.bytesSent += taken;
    if (taken < length) this.#awaitWritable();
    return taken;
  }

  /** As `Driver.flush`. */
  flush(queue: OutboundQueue): boolean {
    if (queue.length === 0 && this.#error !== null) return true;
    if (this.#isBroken()) return false;
    const before = queue.length;
    const isEmpty = this.#flush(queue);
    this.#owner.counters.bytesSent += before - queue.length;
    this.#writableDue = false;
    this.#awaitsWritable = false;
    if (!isEmpty) this.#awaitWritable();
    return isEmpty;
  }

  #flush(queue: OutboundQueue): boolean {
    if (this.#delivered > 0) {
      queue.consume(this.#delivered);
      this.#delivered = 0;
    }
    let budget = sendBytesMax;
    while (queue.length > 0 && budget > 0) {
      const slab = queue.head as Slab;
      const piece = Math.min(pieceBytesMax, slab.end - slab.start);
      if (!this.#present(slab.bytes, slab.start, piece)) return false;
      queue.consume(piece);
      budget -= piece;
    }
    return queue.length === 0;
  }

  /** Writes a copy; true when the kernel has it already. */
  #present(bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#presented > 0) return false;
    this.#mayBeQueued = true;
    const piece = Buffer.allocUnsafe(length);
    piece.set(bytes.subarray(offset, offset + length));
    this.#socket.write(piece, this.#onWritten);
    if (this.#socket.writableLength === 0) return true;
    this.#presented = length;
    return false;
  }

  /** `writable` follows: when the kernel has the piece in the socket's hands, or in the next turn. */
  #awaitWritable(): void {
    this.#awaitsWritable = true;
    if (this.#presented > 0) return;
    this.#writableDue = true;
    this.#enqueue();
  }

  #isBroken(): boolean {
    if (this.#error === null && this.#socket.destroyed) {
      this.#onError(Object.assign(new Error(), { code: 'EPIPE', syscall: 'write' }));
    }
    if (this.#error === null) return false;
    this.#unsendable = true;
    this.#enqueue();
    return true;
  }

  /**
   * The runtime stops watching a socket whose peer has ended: a reset behind that is found by a write
   * only, be it one of no bytes.
   */
  lookForReset(): void {
    const socket = this.#socket;
    // A write that waits hears of it by itself; without our side there is nothing to write to.
    if (this.#error !== null || this.#presented > 0 || socket.writableEnded) return;
    if (!socket.destroyed) socket.write(nothing);
  }

  /** As `Driver.unsentBytes`. What the socket holds is not taken: the loop has it queued. */
  get unsentBytes(): number {
    if (!this.#mayBeQueued) return 0;
    if (this.identity.kind !== 'tcp') return -1;
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    const local = { host: localAddress, port: localPort };
    const queued = sendQueues.bytesOf(local, { host: remoteAddress, port: remotePort });
    if (queued >= 0) this.#mayBeQueued = queued > 0;
    return queued;
  }

  shutdownWrite(): void {
    this.#mayBeQueued = true;
    this.#socket.end();
  }

  close(abort: boolean): void {
    this.open = false;
    if (this.#ended) this.#owner.halfOpen.delete(this);
    this.#chunk = null;
    const socket = this.#socket;
    // Only TCP connections can be reset, and none whose end is on its way: the runtime would fail to,
    // never close the socket, and spin when the process exits.
    const resets = this.identity.kind === 'tcp' && !this.#connecting && !socket.writableEnded;
    if (abort && resets && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
  }

  get localAddress(): string {
    if (this.#localAddress === null && !this.#socket.destroyed && !this.#connecting) {
      this.#localAddress = addressText(this.#socket.localAddress, this.#socket.localPort);
    }
    return this.#localAddress ?? '';
  }
}
