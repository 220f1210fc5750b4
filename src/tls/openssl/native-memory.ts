import { makeCode, nativeAllocator } from '../../driver/native/native-memory.ts';
import type { Address } from '../../ffi/index.ts';

/** Memory outside of the heap, which never moves and lives as long as the thread. */
export interface NativeMemory {
  readonly address: Address;
  readonly buffer: ArrayBuffer;
}

/** Zeroed, on pages of its own. */
export function allocate(byteLength: number): NativeMemory {
  return nativeAllocator.allocate(byteLength) as NativeMemory;
}

/** See `makeCode` of the driver. */
export function turnIntoCode(memory: NativeMemory): boolean {
  return makeCode(memory);
}

const scratchMemory = allocate(4_096);

/** For arguments and results of one call: filled and used within it, never across. */
export const scratch = {
  address: scratchMemory.address,
  bytes: Buffer.from(scratchMemory.buffer),
  view: new DataView(scratchMemory.buffer),
} as const;
