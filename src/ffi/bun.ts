import { markAsUntransferable } from 'node:worker_threads';
import type { Address, ForeignInterface, ForeignLibrary, Word } from './contract.ts';

type Callable = (...args: Word[]) => number;

/** What we use of `bun:ffi`. */
interface BunFfi {
  dlopen(
    path: string,
    symbols: Readonly<Record<string, object>>,
  ): { readonly symbols: Readonly<Record<string, Callable>> };
  toArrayBuffer(address: number, offset: number, byteLength: number): ArrayBuffer;
  ptr(bytes: Uint8Array): number;
}

/**
 * Arguments are `ptr`, given as numbers: 1.3 ns a call. `i32` would cut addresses off, and a result of
 * `ptr` would make 2^64 of a failure's -1.
 */
const wordType = 'ptr';
const addressResult = 'i64_fast';

function openLibrary(ffi: BunFfi, path: string): ForeignLibrary {
  const bind = (name: string, count: number, returns: string): Callable => {
    const args = new Array<string>(count).fill(wordType);
    // A library of one symbol each time: several signatures of one symbol do not meet.
    return ffi.dlopen(path, { [name]: { args, returns } }).symbols[name] as Callable;
  };
  return {
    lookup: (name, argumentCount) => bind(name, argumentCount, 'i32'),
    lookupAddress: (name, argumentCount) => bind(name, argumentCount, addressResult),
  };
}

/** `bun:ffi`. Addresses are numbers. @param library the file name of the C library. */
export function createBunInterface(ffi: BunFfi, library: string): ForeignInterface {
  return {
    name: 'bun:ffi',
    nullAddress: 0,
    ...openLibrary(ffi, library),
    open: (path) => openLibrary(ffi, path),
    word: (value) => value >>> 0,
    addressAt: (base, offset) => (base as number) + offset,
    view(address, byteLength) {
      const buffer = ffi.toArrayBuffer(address as number, 0, byteLength);
      markAsUntransferable(buffer);
      return buffer;
    },
    addressOf(bytes): Address {
      // Small arrays live in the garbage collector's memory, and are moved out of it when their buffer
      // is asked for or their code is compiled: so let that happen before the address is taken. Of no
      // bytes, also in memory that has some, `ptr` returns an error in place of an address.
      return bytes.buffer.byteLength === 0 || bytes.length === 0 ? 0 : ffi.ptr(bytes);
    },
    currentEventLoop: () => 0,
  };
}

/** `bun:ffi` under Bun, otherwise undefined. */
export function findBunFfi(): BunFfi | undefined {
  if (process.versions['bun'] === undefined) return undefined;
  return process.getBuiltinModule('bun:ffi') as unknown as BunFfi;
}
