import type { GnetError } from '../../base/errors.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import { errnoNumber } from '../../platform/index.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { MessageBatch } from '../../syscall/message-batch.ts';
import { emptyInetAddress, formatInet } from '../../syscall/socket-address.ts';
import type { DatagramPeer, DriverCounters } from '../contract.ts';
import type { DatagramEndpoint, Refusal } from './datagram-endpoint.ts';
import { interrupted, messageTooLong, noBuffers, tryAgain } from './errno-sets.ts';
import { nativeSlabPool } from './native-memory.ts';

/** Copied datagrams of one batch follow each other in one slab of this size. */
const copyBytes = 131_072;

/** Signals in a row that a batch is tried again after: what is interrupted always would hold up the loop. */
const interruptionsMax = 16;

interface Memory {
  readonly outgoing: MessageBatch;
  readonly copies: Slab;
  copied: number;
}

/** What leaves the datagram sockets of a driver: in batches, while datagrams are handed out. */
export class DatagramSender {
  /** The endpoint whose datagrams are being handed out, or -1: answers wait for the batch's end. */
  handingOut = -1;
  /** Of the batch that goes out while datagrams are handed out; told when those are. */
  refusals: Refusal[] = [];
  readonly #batchMax: number;
  readonly #counters: DriverCounters;
  readonly #tellsErrors: boolean;
  readonly #endpointOf: (id: number) => DatagramEndpoint;
  readonly #copyPool: SlabPool = nativeSlabPool(copyBytes);
  #memory: Memory | null = null;
  /** Why the last datagram was refused, and whose it was. */
  #errno = 0;
  #refusedPeer: DatagramPeer = emptyInetAddress();

  constructor(
    batchMax: number,
    counters: DriverCounters,
    tellsErrors: boolean,
    endpointOf: (id: number) => DatagramEndpoint,
  ) {
    this.#batchMax = batchMax;
    this.#counters = counters;
    this.#tellsErrors = tellsErrors;
    this.#endpointOf = endpointOf;
  }

  /** With the first endpoint. */
  open(): void {
    if (this.#memory !== null) return;
    const outgoing = new MessageBatch(this.#batchMax);
    this.#memory = { outgoing, copies: this.#copyPool.take(), copied: 0 };
  }

  close(): void {
    const memory = this.#memory;
    if (memory === null) return;
    this.#memory = null;
    this.#copyPool.release(memory.copies);
    memory.outgoing.release();
  }

  send(id: number, peer: DatagramPeer, data: Uint8Array, local: DatagramPeer | null): boolean {
    const memory = this.#memory as Memory;
    if (data.length > copyBytes) return this.#drop(peer, messageTooLong);
    this.#sendAnswersBefore(id);
    if (memory.copied + data.length > copyBytes) this.flush(this.#endpointOf(id));
    const offset = memory.copied;
    memory.copies.bytes.set(data, offset);
    memory.copied += data.length;
    return this.#add(id, peer, memory.copies, offset, data.length, local);
  }

  sendNow(id: number, peer: DatagramPeer, data: Uint8Array, local: DatagramPeer | null): boolean {
    if (this.handingOut === -1) return this.send(id, peer, data, local);
    const handingOut = this.handingOut;
    this.flush(this.#endpointOf(handingOut));
    this.handingOut = -1;
    const taken = this.send(id, peer, data, local);
    this.handingOut = handingOut;
    return taken;
  }

  /** Together, from outside a batch, too. */
  sendAll(
    id: number,
    peer: DatagramPeer,
    datagrams: readonly Uint8Array[],
    local: DatagramPeer | null,
  ): number {
    const before = this.#counters.datagramsDropped;
    const handingOut = this.handingOut;
    if (handingOut === -1) this.handingOut = id;
    let taken = 0;
    for (const data of datagrams) if (this.send(id, peer, data, local)) taken++;
    // What a batch refuses may be of others, too.
    if (handingOut !== -1) return taken;
    this.handingOut = -1;
    this.flush(this.#endpointOf(id));
    this.refusals = [];
    return datagrams.length - (this.#counters.datagramsDropped - before);
  }

  /** Why the last of them was not taken. */
  lastRefusal(): GnetError {
    return refusal(this.#refusedPeer, this.#errno);
  }

  sendFrom(
    id: number,
    peer: DatagramPeer,
    slab: Slab,
    offset: number,
    length: number,
    local: DatagramPeer | null,
  ): boolean {
    this.#sendAnswersBefore(id);
    return this.#add(id, peer, slab, offset, length, local);
  }

  /** A batch goes out through one socket: answers of another endpoint must have left before. */
  #sendAnswersBefore(id: number): void {
    if (this.handingOut !== -1 && this.handingOut !== id) {
      this.flush(this.#endpointOf(this.handingOut));
    }
  }

  #add(
    id: number,
    peer: DatagramPeer,
    slab: Slab,
    offset: number,
    length: number,
    local: DatagramPeer | null,
  ): boolean {
    const endpoint = this.#endpointOf(id);
    const { outgoing } = this.#memory as Memory;
    // Connected to it: the kernel is told no address.
    const to = endpoint.peer === null ? peer : null;
    outgoing.add(to, local, slab, offset, length, endpoint.joins);
    if (this.handingOut === id) {
      return outgoing.count < this.#batchMax || this.flush(endpoint);
    }
    return this.flush(endpoint);
  }

  /**
   * Sends what was added. A datagram that the kernel refuses is counted and the next one is tried.
   * Returns whether the last one was taken: those before it are of other senders.
   */
  flush(endpoint: DatagramEndpoint): boolean {
    const memory = this.#memory as Memory;
    const { outgoing } = memory;
    let from = 0;
    let bytes = outgoing.bytes;
    let lastTaken = true;
    let interruptions = 0;
    while (from < outgoing.messages) {
      const result = outgoing.send(endpoint.descriptor, from);
      if (result > 0) {
        from += result;
      } else if (result !== -interrupted || ++interruptions > interruptionsMax) {
        // EAGAIN, ENOBUFS: no room for any of them now. ECONNREFUSED, EHOSTUNREACH, EMSGSIZE,
        // EPERM, ...: about this one only. UDP promises nothing, the count tells.
        if (outgoing.segmentsOf(from) > 1 && refusesSegments.has(-result)) {
          // For good: what it does not do, or not for that way, it will not do the next time either.
          endpoint.joins = false;
          outgoing.takeApart(from);
          from = 0;
          continue;
        }
        const lost = result === -tryAgain ? outgoing.messages - from : 1;
        this.#noteRefusal(endpoint, from, -result);
        bytes -= outgoing.bytesFrom(from, lost);
        lastTaken = from + lost < outgoing.messages;
        for (let end = from + lost; from < end; from++) {
          this.#counters.datagramsDropped += outgoing.segmentsOf(from);
        }
      }
    }
    this.#counters.bytesSent += bytes;
    outgoing.clear();
    memory.copied = 0;
    return lastTaken;
  }

  #noteRefusal(endpoint: DatagramEndpoint, index: number, errno: number): void {
    this.#errno = errno;
    if (endpoint.peer === null) this.#memory?.outgoing.peerAt(index, this.#refusedPeer);
    else this.#refusedPeer = endpoint.peer;
    // No room is no failure: the count tells of it.
    if (this.handingOut === -1 || errno === tryAgain || errno === noBuffers) return;
    if (endpoint.peer === null && !this.#tellsErrors) return;
    this.refusals.push({ peer: { ...this.#refusedPeer }, errno });
  }

  #drop(peer: DatagramPeer, errno: number): false {
    this.#counters.datagramsDropped++;
    this.#errno = errno;
    this.#refusedPeer = { ...peer };
    return false;
  }
}

/** EINVAL: longer than the interface takes; EIO: it cannot; the others: the kernel does not. */
const refusesSegments: ReadonlySet<number> = new Set(
  ['EINVAL', 'EIO', 'EMSGSIZE', 'ENOPROTOOPT', 'EOPNOTSUPP'].map((name) => errnoNumber(name) ?? 0),
);

export function refusal(peer: DatagramPeer, errno: number): GnetError {
  const address = formatInet(peer);
  return syscallError('sendmmsg', errno, `send a datagram to ${address}`, address);
}
