/**
 * The kernel underneath a stand-in: Linux, by its own numbers. And the memory of callers, which is read
 * and written by copying, since there are only addresses of it.
 */
import { type Address, foreignInterface, type Word } from '../../src/ffi/index.ts';
import { errnoNumbers as linuxErrnoNumbers } from '../../src/platform/linux-errno.ts';
import * as linux from '../../src/platform/linux-x64.ts';

export const { constants: linuxConstants, layouts: linuxLayouts } = linux;

/** The look-up of the runtime, before the stand-in takes its place. */
const lookup = foreignInterface.lookup.bind(foreignInterface);
const lookupAddress = foreignInterface.lookupAddress.bind(foreignInterface);
export const { word, addressAt } = foreignInterface;

type Call = (...args: Word[]) => number;

const found = new Map<string, Call>();

/** A function of the C library, with so many arguments. */
export function real(name: string, argumentCount: number): Call {
  const key = `${name}/${argumentCount}`;
  const call = found.get(key) ?? lookup(name, argumentCount);
  found.set(key, call);
  return call;
}

export { lookup as realLookup, lookupAddress as realLookupAddress };

const errnoView = new Int32Array(foreignInterface.view(lookupAddress('__errno_location', 0)(), 4));
export const linuxErrno = (): number => errnoView[0] as number;

const namesOfLinux = new Map<number, string>();
for (const [name, number] of Object.entries(linuxErrnoNumbers)) {
  if (!namesOfLinux.has(number)) namesOfLinux.set(number, name);
}

/** EBADF for 9, ... */
export const linuxErrnoName = (number: number): string => namesOfLinux.get(number) ?? 'EIO';

/** Memory of our own that never moves. */
export class Memory {
  readonly address: Address;
  readonly view: DataView;
  readonly bytes: Buffer;

  constructor(byteLength: number) {
    const { MAP_PRIVATE, MAP_ANON, PROT_READ, PROT_WRITE } = linuxConstants;
    this.address = lookupAddress('mmap', 6)(
      word(0),
      word(byteLength),
      word(PROT_READ | PROT_WRITE),
      word(MAP_PRIVATE | MAP_ANON),
      word(-1),
      word(0),
    );
    const buffer = foreignInterface.view(this.address, byteLength);
    this.view = new DataView(buffer);
    this.bytes = Buffer.from(buffer);
  }

  at(offset: number): Address {
    return addressAt(this.address, offset);
  }

  /** Copies from a caller's memory. */
  take(offset: number, from: Word, byteLength: number): void {
    if (byteLength > 0) real('memcpy', 3)(this.at(offset), from, word(byteLength));
  }

  /** Copies to a caller's memory. */
  give(offset: number, to: Word, byteLength: number): void {
    if (byteLength > 0) real('memcpy', 3)(to, this.at(offset), word(byteLength));
  }
}

/** The integer of an argument. */
export const int = (given: Word | undefined): number =>
  Number(BigInt.asIntN(32, BigInt(given ?? 0)));
export const isNull = (given: Word | undefined): boolean => BigInt(given ?? 0) === 0n;
