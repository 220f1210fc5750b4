/**
 * The OpenSSL objects that a thread holds, recorded in memory that another thread can read. A
 * terminated thread runs no more code, so the main thread frees its objects
 * (`openssl/dead-thread-objects.ts`).
 */
import { assert } from '../base/assert.ts';
import type { Address } from '../ffi/index.ts';

/** What an address is of. In its lowest bits, which are zero in every address that malloc(3) gives. */
export const objectKind = { session: 1, context: 2, bio: 3, store: 4 } as const;

export type ObjectKind = (typeof objectKind)[keyof typeof objectKind];

const kindMask = 7n;
const placesPerPart = 4_096;
/** The place of what is not written down. */
const nowhere = -1;

/** One for each thread. */
class ObjectLedger {
  readonly #parts: BigUint64Array[] = [];
  readonly #free: number[] = [];
  #announce: ((memory: SharedArrayBuffer) => void) | null = null;

  /**
   * From now on everything is written down. Called by the thread before it holds anything.
   * @param announce gives each part of the memory to who will look, before it is used.
   */
  share(announce: (memory: SharedArrayBuffer) => void): void {
    this.#announce = announce;
  }

  /** Called right after the object was made. Returns its place, for `remove`. */
  add(kind: ObjectKind, address: Address): number {
    if (this.#announce === null) return nowhere;
    const bits = BigInt(address);
    assert(bits !== 0n && (bits & kindMask) === 0n, 'an object has the address of an allocation');
    const place = this.#free.pop() ?? this.#extend(this.#announce);
    this.#write(place, bits | BigInt(kind));
    return place;
  }

  /** Called right before the object is freed: one that is freed twice would end the process. */
  remove(place: number): void {
    if (place === nowhere) return;
    this.#write(place, 0n);
    this.#free.push(place);
  }

  #write(place: number, value: bigint): void {
    const part = this.#parts[Math.floor(place / placesPerPart)] as BigUint64Array;
    Atomics.store(part, place % placesPerPart, value);
  }

  #extend(announce: (memory: SharedArrayBuffer) => void): number {
    const memory = new SharedArrayBuffer(placesPerPart * BigUint64Array.BYTES_PER_ELEMENT);
    announce(memory);
    const first = this.#parts.length * placesPerPart;
    this.#parts.push(new BigUint64Array(memory));
    for (let place = first + placesPerPart - 1; place > first; place--) this.#free.push(place);
    return first;
  }
}

export const objectLedger: ObjectLedger = new ObjectLedger();

/** The addresses of one kind that stand in the memory of a thread that is gone. */
export function objectsIn(memory: readonly SharedArrayBuffer[], kind: ObjectKind): bigint[] {
  return memory
    .flatMap((part) => [...new BigUint64Array(part)])
    .filter((bits) => (bits & kindMask) === BigInt(kind))
    .map((bits) => bits & ~kindMask);
}
