import { requireInstalled } from '../base/own-file.ts';
import { errorOf } from '../base/thrown.ts';
import type { ForeignInterface, ForeignLibrary, Word } from './contract.ts';

interface Library {
  func(name: string, result: string, parameters: string[]): (...args: Word[]) => number;
}

/** What we use of `koffi`, an optional peer dependency: a native addon with prebuilt binaries. */
interface Koffi {
  load(path: string | null): Library;
  view(address: number, byteLength: number): ArrayBuffer;
  address(value: Uint8Array): bigint;
}

/**
 * Every argument and address is a machine word, as in `node.ts`; addresses of user space fit into a
 * safe integer, and numbers are passed faster than BigInts.
 */
const wordType = 'int64_t';

const words = (count: number): string[] => new Array<string>(count).fill(wordType);

/** `v8::Isolate::GetCurrent()`, `node::GetCurrentEventLoop(v8::Isolate*)`: names of GCC and Clang. */
const currentIsolateSymbol = '_ZN2v87Isolate10GetCurrentEv';
const eventLoopSymbol = '_ZN4node19GetCurrentEventLoopEPN2v87IsolateE';

/**
 * `koffi`: the native drivers for Node without `node:ffi`. A call costs about 30 ns where `node:ffi`
 * takes 4-8 ns (docs/drivers.md).
 */
export function createKoffiInterface(koffi: Koffi): ForeignInterface {
  const open = (path: string | null): ForeignLibrary => {
    // Kept for the life of the thread, as its functions are.
    const library = koffi.load(path);
    return {
      lookup: (name, argumentCount) => library.func(name, 'int32_t', words(argumentCount)),
      lookupAddress: (name, argumentCount) => library.func(name, wordType, words(argumentCount)),
    };
  };
  const { lookup, lookupAddress } = open(null);
  return {
    name: 'koffi',
    nullAddress: 0,
    lookup,
    lookupAddress,
    open,
    word: (value) => value,
    addressAt: (base, offset) => (base as number) + offset,
    // Not marked as untransferable: Node aborts at exit, when it cannot detach an addon's buffer.
    view: (address, byteLength) => koffi.view(address as number, byteLength),
    addressOf: (bytes) => Number(koffi.address(bytes)),
    currentEventLoop() {
      try {
        return lookupAddress(eventLoopSymbol, 1)(lookupAddress(currentIsolateSymbol, 0)());
      } catch {
        return 0; // a build of the runtime that hides its symbols
      }
    },
  };
}

/** `koffi` when it is installed beside this package and its binary can be loaded, otherwise why not. */
export function findKoffi(): Koffi | Error {
  try {
    return requireInstalled('koffi') as Koffi;
  } catch (error) {
    // Not installed, no binary for this machine, or the Permission Model without --allow-addons.
    return errorOf(error);
  }
}
