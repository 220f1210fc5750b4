import { assert } from '../base/assert.ts';
import { type Address, addressAt } from '../ffi/index.ts';
import { mapMemory, type NativeMemory } from './memory.ts';
import {
  controlBytesMax,
  type ReceivedControl,
  readControl,
  writeControl,
} from './datagram-control.ts';
import { receiveMessages, sendMessages } from './socket.ts';
import { type InetAddress, readInet, writeInet } from './socket-address.ts';
import { batchHeader } from './system-calls.ts';
import { constants, layouts } from './tables.ts';

const header = batchHeader;
const message = layouts.msghdr.fields;
const { lengthOffset } = header;
const vector = layouts.iovec;
/** Room for a sockaddr_in6, kept aligned. */
const nameBytes = 32;

/** Memory with an address that the kernel can be pointed at. */
interface AddressedMemory {
  readonly address: Address | null;
  /** Its halves as signed 32-bit numbers: a bigint for each datagram would cost as much as the rest. */
  readonly addressLow: number;
  readonly addressHigh: number;
}

interface Added {
  readonly peer: InetAddress | null;
  readonly local: InetAddress | null;
  readonly memory: AddressedMemory;
  readonly offset: number;
  readonly length: number;
}

const spares = new Map<number, NativeMemory[]>();

/**
 * Headers for up to `capacity` datagrams: of one recvmmsg(2) or sendmmsg(2) where there is such a call.
 *
 *   memory: [ header x capacity | iovec x capacity | name x capacity | control x capacity ]
 *
 * The headers point at all of it once and for all; only lengths and buffers change.
 */
export class MessageBatch {
  readonly capacity: number;
  readonly #memory: NativeMemory;
  readonly #view: DataView;
  readonly #vectors: number;
  readonly #names: number;
  readonly #controls: number;
  /** Datagrams added for sending, the messages that they make, and their bytes. */
  count = 0;
  messages = 0;
  bytes = 0;
  /** The first datagram of each message, and which vector its header points at. */
  readonly #first: number[] = [];
  readonly #vectorOf: number[] = [];
  /** Of the last message: the length of its segments (0: it is complete), and of all of it. */
  #joinable = 0;
  #joinedBytes = 0;
  #lastPeer: InetAddress | null = null;
  #lastLocal: InetAddress | null = null;
  /** Those that may have to leave one by one after all. */
  readonly #added: Added[] = [];

  constructor(capacity: number) {
    const byteLength = capacity * (header.size + vector.size + nameBytes + controlBytesMax);
    this.capacity = capacity;
    this.#memory = spares.get(byteLength)?.pop() ?? mapMemory(byteLength);
    this.#view = new DataView(this.#memory.buffer);
    this.#vectors = capacity * header.size;
    this.#names = this.#vectors + capacity * vector.size;
    this.#controls = this.#names + capacity * nameBytes;
    for (let index = 0; index < capacity; index++) {
      this.#link(index);
      this.#vectorOf[index] = index;
    }
    this.reset(capacity);
  }

  #pointer(offset: number, target: Address): void {
    this.#view.setBigUint64(offset, BigInt(target), true);
  }

  #link(index: number): void {
    const at = index * header.size;
    const { address } = this.#memory;
    this.#pointer(at + message.name.offset, addressAt(address, this.#names + index * nameBytes));
    this.#pointer(at + message.iov.offset, addressAt(address, this.#vectors + index * vector.size));
    this.#view.setInt32(at + message.iovlen.offset, 1, true);
    const control = addressAt(address, this.#controls + index * controlBytesMax);
    this.#pointer(at + message.control.offset, control);
  }

  /** Gives the memory back for the next batch of that size. */
  release(): void {
    const byteLength = this.#memory.buffer.byteLength;
    const list = spares.get(byteLength) ?? [];
    list.push(this.#memory);
    spares.set(byteLength, list);
  }

  // -- receiving ----------------------------------------------------------------------------------

  /** Datagram `index` is received into `length` bytes at `offset` of `memory`. */
  setBuffer(index: number, memory: AddressedMemory, offset: number, length: number): void {
    assert(memory.address !== null, 'the kernel receives into native memory');
    const at = this.#vectors + index * vector.size;
    const low = (memory.addressLow >>> 0) + offset;
    const high = memory.addressHigh + (low >= 2 ** 32 ? 1 : 0);
    this.#view.setInt32(at + vector.fields.base.offset, low, true);
    this.#view.setInt32(at + vector.fields.base.offset + 4, high, true);
    this.#view.setUint32(at + vector.fields.len.offset, length, true);
  }

  /** How many of at most `max` were received, or minus an errno. */
  receive(socket: number, max: number): number {
    assert(max <= this.capacity, 'there are as many headers');
    return receiveMessages(socket, this.#memory.address, max, this.#view);
  }

  lengthAt(index: number): number {
    return this.#view.getUint32(index * header.size + lengthOffset, true);
  }

  /** The datagram was longer than its buffer; the rest is lost. */
  truncatedAt(index: number): boolean {
    const flags = this.#view.getInt32(index * header.size + message.flags.offset, true);
    return (flags & constants.MSG_TRUNC) !== 0;
  }

  peerAt(index: number, into: InetAddress): void {
    readInet(this.#view, this.#names + index * nameBytes, into);
  }

  /** What came beside it. */
  controlAt(index: number, into: ReceivedControl): void {
    const length = this.#view.getUint32(index * header.size + message.controllen.offset, true);
    readControl(this.#view, this.#controls + index * controlBytesMax, length, into);
  }

  /** The kernel shortened names and control messages of the first `count` headers. */
  reset(count: number): void {
    for (let index = 0; index < count; index++) {
      const at = index * header.size;
      this.#view.setUint32(at + message.namelen.offset, nameBytes, true);
      this.#view.setUint32(at + message.controllen.offset, controlBytesMax, true);
    }
  }

  // -- sending ------------------------------------------------------------------------------------

  /**
   * @param peer null: the socket is connected to it.
   * @param local the address to send from; null leaves that to the kernel.
   * @param joins it may leave as one with those before it, which the kernel cuts again.
   */
  add(
    peer: InetAddress | null,
    local: InetAddress | null,
    memory: AddressedMemory,
    offset: number,
    length: number,
    joins: boolean,
  ): void {
    assert(this.count < this.capacity, 'there is room in the batch');
    const index = this.count++;
    this.bytes += length;
    this.setBuffer(index, memory, offset, length);
    if (joins) {
      this.#added[index] = { peer, local, memory, offset, length };
      if (this.#joinsLast(peer, local, length)) return this.#join(length);
    }
    this.#begin(index, peer, local, length);
  }

  #begin(index: number, peer: InetAddress | null, local: InetAddress | null, length: number): void {
    const number = this.messages++;
    this.#first[number] = index;
    this.#joinable = length;
    this.#joinedBytes = length;
    this.#lastPeer = peer;
    this.#lastLocal = local;
    const name = peer === null ? 0 : writeInet(this.#view, this.#names + number * nameBytes, peer);
    const at = number * header.size;
    this.#view.setUint32(at + message.namelen.offset, name, true);
    if (this.#vectorOf[number] !== index) {
      const target = this.#vectors + index * vector.size;
      this.#pointer(at + message.iov.offset, addressAt(this.#memory.address, target));
      this.#vectorOf[number] = index;
    }
    this.#view.setInt32(at + message.iovlen.offset, 1, true);
    const control = this.#controls + number * controlBytesMax;
    const controlLength = local === null ? 0 : writeControl(this.#view, control, local);
    this.#view.setUint32(at + message.controllen.offset, controlLength, true);
  }

  #joinsLast(peer: InetAddress | null, local: InetAddress | null, length: number): boolean {
    const last = this.#lastPeer;
    return (
      this.messages > 0 &&
      this.#joinable > 0 &&
      length > 0 &&
      length <= this.#joinable &&
      this.#joinedBytes + length <= joinedBytesMax &&
      local === this.#lastLocal &&
      (peer === last || (peer !== null && last !== null && isSamePeer(peer, last)))
    );
  }

  /** One more behind the last message, which ends with it when it is shorter than the others. */
  #join(length: number): void {
    const number = this.messages - 1;
    const at = number * header.size;
    const segments = this.segmentsOf(number);
    this.#view.setInt32(at + message.iovlen.offset, segments, true);
    this.#joinedBytes += length;
    if (segments === 2) {
      const control = this.#controls + number * controlBytesMax;
      const bytes = writeControl(this.#view, control, this.#lastLocal, this.#joinable);
      this.#view.setUint32(at + message.controllen.offset, bytes, true);
    }
    if (length < this.#joinable) this.#joinable = 0;
  }

  /** How many datagrams message `number` is. */
  segmentsOf(number: number): number {
    const next = number + 1 < this.messages ? (this.#first[number + 1] as number) : this.count;
    return next - (this.#first[number] as number);
  }

  /** From message `from` on, each datagram by itself: what was before it has left. */
  takeApart(from: number): void {
    const rest = this.#added.slice(this.#first[from], this.count) as Added[];
    this.clear();
    for (const { peer, local, memory, offset, length } of rest) {
      this.add(peer, local, memory, offset, length, false);
    }
  }

  /** Sends the messages from number `from` on: how many were taken, or minus an errno. */
  send(socket: number, from: number): number {
    const first = addressAt(this.#memory.address, from * header.size);
    return sendMessages(socket, first, this.messages - from);
  }

  /** Of those messages, `count` from number `from` on. */
  bytesFrom(from: number, count: number): number {
    const begin = this.#first[from] as number;
    const end = from + count < this.messages ? (this.#first[from + count] as number) : this.count;
    let sum = 0;
    for (let index = begin; index < end; index++) {
      const at = this.#vectors + index * vector.size;
      sum += this.#view.getUint32(at + vector.fields.len.offset, true);
    }
    return sum;
  }

  clear(): void {
    // The runtime takes its time for this even when there is nothing to cut off.
    if (this.#added.length > 0) this.#added.length = 0;
    this.#lastPeer = this.#lastLocal = null;
    this.count = 0;
    this.messages = 0;
    this.bytes = 0;
  }
}

/** What fits into one message, whatever its headers are; the kernel takes 64 segments from the first on. */
const joinedBytesMax = 65_000;

function isSamePeer(one: InetAddress, other: InetAddress): boolean {
  return (
    one.word0 === other.word0 &&
    one.port === other.port &&
    one.family === other.family &&
    one.word1 === other.word1 &&
    one.word2 === other.word2 &&
    one.word3 === other.word3 &&
    one.scope === other.scope
  );
}
