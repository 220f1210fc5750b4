import { assert } from '../../base/assert.ts';
import { piecesMax } from '../../base/limits.ts';
import type { Slab } from '../../buffer/slab.ts';
import { type Address, addressAt, foreignInterface } from '../../ffi/index.ts';
import { layouts } from '../../syscall/tables.ts';
import { noMemory } from './errno-sets.ts';
import { sendMessageSurely } from './sure-calls.ts';
import { nativeSlabPool, takeIfPossible } from './native-memory.ts';

const message = layouts.msghdr;
const vector = layouts.iovec;
const byteLength = message.size + piecesMax * vector.size;
const bytesApart = Math.ceil(byteLength / 64) * 64;
const pageBytes = 65_536;
/** More than a kernel takes at once. Lengths are written as 32 bits, and macOS refuses sums of 2 GiB. */
const callBytesMax = 2 ** 30;

const spares: GatheredSend[] = [];

/** A msghdr over the slabs of a queue, and the slabs, held until the kernel has read them. */
export class GatheredSend {
  readonly address: Address;
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly #words: Int32Array;
  readonly #slabs: Slab[] = [];
  length = 0;

  private constructor(memory: Slab, offset: number) {
    this.address = addressAt(memory.address as Address, offset);
    const address = BigInt(this.address);
    this.addressLow = Number(BigInt.asIntN(32, address));
    this.addressHigh = Number(BigInt.asIntN(32, address >> 32n));
    this.#words = new Int32Array(memory.buffer, offset, byteLength / 4);
    const view = new DataView(memory.buffer, offset, byteLength);
    const { iov } = message.fields;
    view.setBigUint64(iov.offset, address + BigInt(message.size), true);
  }

  /** One of this thread, or null when there is no memory for more. */
  static take(): GatheredSend | null {
    if (spares.length === 0) {
      // Like all memory that the kernel is shown, it is never unmapped.
      const memory = takeIfPossible(nativeSlabPool(pageBytes));
      if (memory === null) return null;
      // It may have been a slab of a queue: what is not set here must be zero.
      memory.bytes.fill(0);
      for (let offset = 0; offset + byteLength <= pageBytes; offset += bytesApart) {
        spares.push(new GatheredSend(memory, offset));
      }
    }
    return spares.pop() ?? null;
  }

  /** Over what waits from `head` on; null when there is no memory for it. */
  static of(head: Slab): GatheredSend | null {
    const gathered = GatheredSend.take();
    gathered?.fill(head);
    return gathered;
  }

  /** See `Transport.sendPieces`: what the kernel took of the program's own memory, or minus an errno. */
  static sendPieces(descriptor: number, pieces: readonly Uint8Array[]): number {
    const gathered = GatheredSend.take();
    if (gathered === null) return -noMemory;
    gathered.#fillPieces(pieces);
    return gathered.sendNow(descriptor);
  }

  #fillPieces(pieces: readonly Uint8Array[]): void {
    assert(pieces.length <= piecesMax, 'that many fit');
    const words = this.#words;
    let room = callBytesMax;
    let index = 0;
    for (; index < pieces.length && room > 0; index++) {
      const piece = pieces[index] as Uint8Array;
      const length = Math.min(piece.length, room);
      const address = BigInt(foreignInterface.addressOf(piece));
      const at = (message.size + index * vector.size) / 4;
      words[at] = Number(BigInt.asIntN(32, address));
      words[at + 1] = Number(BigInt.asIntN(32, address >> 32n));
      words[at + vector.fields.len.offset / 4] = length;
      room -= length;
    }
    words[message.fields.iovlen.offset / 4] = index;
  }

  /** By a call, once: bytes that the kernel took, or minus an errno. */
  sendNow(descriptor: number): number {
    const result = sendMessageSurely(descriptor, this.address);
    this.release();
    return result;
  }

  /** Names the waiting bytes of a queue from `head` on, as many as fit. */
  fill(head: Slab): void {
    const words = this.#words;
    let count = 0;
    let length = 0;
    for (let slab: Slab | null = head; slab !== null && count < piecesMax; slab = slab.next) {
      const at = (message.size + count * vector.size) / 4;
      const low = (slab.addressLow >>> 0) + slab.start;
      words[at] = low | 0;
      words[at + 1] = slab.addressHigh + (low >= 2 ** 32 ? 1 : 0);
      words[at + vector.fields.len.offset / 4] = slab.end - slab.start;
      slab.home.retain(slab);
      this.#slabs.push(slab);
      length += slab.end - slab.start;
      count++;
    }
    words[message.fields.iovlen.offset / 4] = count;
    this.length = length;
  }

  /** The kernel has let go. */
  release(): void {
    for (const slab of this.#slabs) slab.home.release(slab);
    this.#slabs.length = 0;
    spares.push(this);
  }
}
