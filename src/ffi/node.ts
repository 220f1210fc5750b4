import { markAsUntransferable } from 'node:worker_threads';
import type { Address, ForeignInterface, ForeignLibrary, Word } from './contract.ts';

type NodeFfi = typeof import('node:ffi');
type Library = InstanceType<NodeFfi['DynamicLibrary']>;

/** Words that a call passes without a slow wrapper. */
const fastWordsMax = 6;

const words = (count: number): 'pointer'[] => new Array<'pointer'>(count).fill('pointer');

function openLibrary(ffi: NodeFfi, path: string | null): ForeignLibrary {
  // Kept for the life of the thread: a collected library would invalidate its functions.
  const library = new ffi.DynamicLibrary(path);
  // A symbol has one signature per library object; syscall(2) is wanted with six words and with seven.
  let wideLibrary: Library | null = null;
  const libraryFor = (count: number): Library => {
    if (count <= fastWordsMax) return library;
    wideLibrary ??= new ffi.DynamicLibrary(path);
    return wideLibrary;
  };
  return {
    lookup(name, argumentCount) {
      const signature = { arguments: words(argumentCount), return: 'int32' } as const;
      return libraryFor(argumentCount).getFunction(name, signature) as unknown as (
        ...args: Word[]
      ) => number;
    },
    lookupAddress(name, argumentCount) {
      const signature = { arguments: words(argumentCount), return: 'pointer' } as const;
      return libraryFor(argumentCount).getFunction(name, signature) as unknown as (
        ...args: Word[]
      ) => Address;
    },
  };
}

/**
 * `node:ffi`, Node >= 26.7. Signatures are all `pointer` with BigInt arguments: a call costs 4-8 ns,
 * against 140-265 ns with any `int32` among four to six arguments (docs/decisions/0002).
 */
export function createNodeInterface(ffi: NodeFfi): ForeignInterface {
  return {
    name: 'node:ffi',
    nullAddress: 0n,
    ...openLibrary(ffi, null),
    open: (path) => openLibrary(ffi, path),
    word: (value) => BigInt(value >>> 0),
    addressAt: (base, offset) => (base as bigint) + BigInt(offset),
    view(address, byteLength) {
      const buffer = ffi.toArrayBuffer(address as bigint, byteLength, false);
      markAsUntransferable(buffer);
      return buffer;
    },
    addressOf: (bytes) => ffi.getRawPointer(bytes),
    currentEventLoop: () => ffi.getCurrentEventLoop(),
  };
}

/** `node:ffi` when this Node has it and it may be used, otherwise undefined. */
export function findNodeFfi(): NodeFfi | undefined {
  try {
    return process.getBuiltinModule?.('node:ffi') as NodeFfi | undefined;
  } catch {
    return undefined; // --no-experimental-ffi
  }
}
