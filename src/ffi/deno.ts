import { markAsUntransferable } from 'node:worker_threads';
import type { ForeignInterface, ForeignLibrary, Word } from './contract.ts';

type Callable = (...args: Word[]) => number | bigint;
/** An object that stands for an address, or null. */
type Pointer = object | null;

interface Signature {
  readonly parameters: readonly string[];
  readonly result: string;
}

/** What we use of the global `Deno`. */
interface Deno {
  dlopen(
    path: string,
    symbols: Readonly<Record<string, Signature>>,
  ): { readonly symbols: Readonly<Record<string, Callable>> };
  readonly UnsafePointer: {
    create(address: bigint): Pointer;
    of(bytes: Uint8Array): Pointer;
    value(pointer: Pointer): bigint;
  };
  readonly UnsafePointerView: { getArrayBuffer(pointer: Pointer, byteLength: number): ArrayBuffer };
  readonly permissions: {
    querySync(wanted: { name: 'ffi'; path: string }): { readonly state: string };
  };
}

/** Passed as BigInts, which are faster than pointer objects and much faster than numbers. */
const wordType = 'u64';

function openLibrary(deno: Deno, path: string): ForeignLibrary {
  const bind = (name: string, count: number, result: string): Callable => {
    const parameters = new Array<string>(count).fill(wordType);
    return deno.dlopen(path, { [name]: { parameters, result } }).symbols[name] as Callable;
  };
  return {
    lookup: (name, count) => bind(name, count, 'i32') as (...args: Word[]) => number,
    lookupAddress(name, count) {
      const call = bind(name, count, wordType);
      return (...args) => BigInt(call(...args));
    },
  };
}

/** `Deno.dlopen`. Addresses are BigInts. @param library the file name of the C library. */
export function createDenoInterface(deno: Deno, library: string): ForeignInterface {
  const { UnsafePointer, UnsafePointerView } = deno;
  return {
    name: 'Deno.dlopen',
    nullAddress: 0n,
    ...openLibrary(deno, library),
    open: (path) => openLibrary(deno, path),
    word: (value) => BigInt(value >>> 0),
    addressAt: (base, offset) => (base as bigint) + BigInt(offset),
    view(address, byteLength) {
      const pointer = UnsafePointer.create(address as bigint);
      const buffer = UnsafePointerView.getArrayBuffer(pointer, byteLength);
      markAsUntransferable(buffer);
      return buffer;
    },
    addressOf: (bytes) => BigInt(UnsafePointer.value(UnsafePointer.of(bytes))),
    currentEventLoop: () => 0n,
  };
}

/**
 * The global `Deno` where it may call foreign functions, why it may not, or undefined elsewhere. Asked
 * for first: trying would put a question to whoever sits at the terminal.
 */
export function findDeno(library: string): Deno | string | undefined {
  const { Deno: deno } = globalThis as { Deno?: Deno };
  if (deno === undefined) return undefined;
  const { state } = deno.permissions.querySync({ name: 'ffi', path: library });
  return state === 'granted' ? deno : 'not permitted; give --allow-ffi (or --allow-all)';
}
