import { assert } from '../base/assert.ts';
import { type Address, foreignInterface, nullAddress, word } from '../ffi/index.ts';
import { constants } from './tables.ts';
import { lastErrno, syscallError } from './last-errno.ts';
import { discardAdvice } from './system-calls.ts';

const mmapRaw = foreignInterface.lookupAddress('mmap', 6);
const munmapRaw = foreignInterface.lookup('munmap', 2);
const mprotectRaw = foreignInterface.lookup('mprotect', 3);
const madviseRaw = foreignInterface.lookup('madvise', 3);

/** Memory that never moves and is never unmapped, with its address and a view of it. */
export interface NativeMemory {
  readonly address: Address;
  readonly buffer: ArrayBuffer;
}

const mapFailed = (address: Address): boolean => BigInt.asIntN(64, BigInt(address)) === -1n;

/**
 * `byteLength` zeroed bytes, page aligned, private to this process and not inherited on fork.
 * Pages take memory only once they are touched. Never unmapped: a view of it may be alive for as
 * long as the thread, so owners keep pools (`buffer/slab.ts`).
 * @throws SyscallError ENOMEM. mmap(2)
 */
export function mapMemory(byteLength: number): NativeMemory {
  assert(byteLength > 0 && byteLength < 2 ** 31, 'a mapping is between 1 byte and 2 GiB');
  const address = mmapRaw(
    nullAddress,
    word(byteLength),
    word(constants.PROT_READ | constants.PROT_WRITE),
    word(constants.MAP_PRIVATE | constants.MAP_ANON),
    word(-1),
    word(0),
  );
  // The only failures of an anonymous private mapping: ENOMEM (memory or number of mappings),
  // EAGAIN (locked memory), EPERM (sealed). All mean that there is no memory to be had.
  if (mapFailed(address)) throw syscallError('mmap', lastErrno(), `map ${byteLength} bytes`);
  return { address, buffer: foreignInterface.view(address, byteLength) };
}

/**
 * From now on the memory can be executed and not be written: machine code for C to call. False where
 * the system does not allow that (EACCES, EPERM: a policy against making memory executable).
 * mprotect(2)
 */
export function makeExecutable(address: Address, byteLength: number): boolean {
  const protection = constants.PROT_READ | constants.PROT_EXEC;
  return mprotectRaw(address, word(byteLength), word(protection)) === 0;
}

/** Gives the pages back to the kernel; the mapping stays, and reads as zeroes or as before. madvise(2) */
export function discardMemory(address: Address, byteLength: number): void {
  // Advice: EINVAL, EAGAIN or ENOMEM leave the memory as it was, which is only less frugal.
  madviseRaw(address, word(byteLength), word(discardAdvice));
}

/**
 * Unmaps what a thread that is gone has left mapped. No view of it may be left anywhere: reading one
 * would end the process. munmap(2)
 */
export function unmapLeftMemory(address: number, byteLength: number): void {
  munmapRaw(foreignInterface.addressAt(nullAddress, address), word(byteLength));
}

/**
 * Small memory for the arguments of calls off the hot path. Shared by the whole thread: filled and
 * used within one call, never across.
 */
const scratchMemory = mapMemory(4_096);
export const scratch = {
  address: scratchMemory.address,
  bytes: Buffer.from(scratchMemory.buffer),
  view: new DataView(scratchMemory.buffer),
} as const;
