import { type Address, foreignInterface, nullAddress, word } from '../../ffi/index.ts';
import {
  ioUringConstants as numbers,
  ioUringLayouts as layouts,
} from '../../platform/linux-io-uring.ts';
import { lastErrno, resultOf, syscallError } from '../last-errno.ts';
import { mapMemory, scratch } from '../memory.ts';
import { constants, syscallNumbers } from './tables.ts';

/** Not in the C library. Six words are passed without a wrapper; a timed wait needs one more. */
const syscallRaw = foreignInterface.lookup('syscall', 6);
const wideSyscallRaw = foreignInterface.lookup('syscall', 7);
const mmapRaw = foreignInterface.lookupAddress('mmap', 6);
const munmapRaw = foreignInterface.lookup('munmap', 2);
const madviseRaw = foreignInterface.lookup('madvise', 3);

const setupNumber = word(syscallNumbers.io_uring_setup);
const enterNumber = word(syscallNumbers.io_uring_enter);
const registerNumber = word(syscallNumbers.io_uring_register);
const zero = word(0);
/** <asm-generic/mman-common.h>: a fork would share the ring with its child. */
const MADV_DONTFORK = 10;

/** What the kernel made of a request for a ring. Offsets are bytes from the start of `IORING_OFF_SQ_RING`. */
export interface RingSetup {
  readonly descriptor: number;
  readonly features: number;
  readonly submissionEntries: number;
  readonly completionEntries: number;
  readonly submission: Readonly<Record<keyof typeof layouts.sqringOffsets.fields, number>>;
  readonly completion: Readonly<Record<keyof typeof layouts.cqringOffsets.fields, number>>;
}

function readOffsets<Name extends string>(
  base: number,
  fields: Readonly<Record<Name, { readonly offset: number }>>,
): Record<Name, number> {
  const entries = Object.entries<{ readonly offset: number }>(fields).map(([name, { offset }]) => [
    name,
    scratch.view.getUint32(base + offset, true),
  ]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

/** A ring, or minus an errno. io_uring_setup(2) */
export function setupRing(
  submissionEntries: number,
  completionEntries: number,
  flags: number,
): RingSetup | number {
  const { fields, size } = layouts.params;
  scratch.bytes.fill(0, 0, size);
  scratch.view.setUint32(fields.cq_entries.offset, completionEntries, true);
  scratch.view.setUint32(fields.flags.offset, flags, true);
  const descriptor = resultOf(
    syscallRaw(setupNumber, word(submissionEntries), scratch.address, zero, zero, zero),
  );
  if (descriptor < 0) return descriptor;
  return {
    descriptor,
    features: scratch.view.getUint32(fields.features.offset, true),
    submissionEntries: scratch.view.getUint32(fields.sq_entries.offset, true),
    completionEntries: scratch.view.getUint32(fields.cq_entries.offset, true),
    submission: readOffsets(fields.sq_off.offset, layouts.sqringOffsets.fields),
    completion: readOffsets(fields.cq_off.offset, layouts.cqringOffsets.fields),
  };
}

export interface RingMapping {
  readonly address: Address;
  readonly byteLength: number;
  readonly words: Int32Array;
}

/**
 * A part of a ring, shared with the kernel and not inherited on fork.
 * @param part IORING_OFF_SQ_RING or IORING_OFF_SQES.
 * @throws SyscallError ENOMEM, EAGAIN. mmap(2)
 */
export function mapRing(descriptor: number, part: number, byteLength: number): RingMapping {
  const address = mmapRaw(
    nullAddress,
    word(byteLength),
    word(constants.PROT_READ | constants.PROT_WRITE),
    word(constants.MAP_SHARED | constants.MAP_POPULATE),
    word(descriptor),
    word(part),
  );
  if (BigInt.asIntN(64, BigInt(address)) === -1n) {
    throw syscallError('mmap', lastErrno(), `map ${byteLength} bytes of an io_uring`);
  }
  madviseRaw(address, word(byteLength), word(MADV_DONTFORK));
  const words = new Int32Array(foreignInterface.view(address, byteLength));
  return { address, byteLength, words };
}

/** Unmaps it. No view of it may be used any more: reading one would end the process. munmap(2) */
export function unmapRing(mapping: RingMapping): void {
  munmapRaw(mapping.address, word(mapping.byteLength));
}

/** How many submissions were consumed, or minus an errno. io_uring_enter(2) */
export function enterRing(
  descriptor: number,
  toSubmit: number,
  minComplete: number,
  flags: number,
): number {
  return resultOf(
    syscallRaw(enterNumber, word(descriptor), word(toSubmit), word(minComplete), word(flags), zero),
  );
}

/** io_uring_getevents_arg, and behind it the timespec it points at. */
const waitArgument = mapMemory(layouts.geteventsArg.size + 16);
const waitView = new DataView(waitArgument.buffer);
const timeOffset = layouts.geteventsArg.size;
const waitArgumentBytes = word(layouts.geteventsArg.size);
waitView.setBigUint64(
  layouts.geteventsArg.fields.ts.offset,
  BigInt(waitArgument.address) + BigInt(timeOffset),
  true,
);

/** As `enterRing`, for at most `timeoutMs`; then -ETIME. */
export function enterRingTimed(
  descriptor: number,
  toSubmit: number,
  minComplete: number,
  flags: number,
  timeoutMs: number,
): number {
  const seconds = Math.floor(timeoutMs / 1_000);
  waitView.setUint32(timeOffset, seconds, true);
  waitView.setUint32(timeOffset + 8, (timeoutMs - seconds * 1_000) * 1_000_000, true);
  return resultOf(
    wideSyscallRaw(
      enterNumber,
      word(descriptor),
      word(toSubmit),
      word(minComplete),
      word(flags | numbers.IORING_ENTER_EXT_ARG),
      waitArgument.address,
      waitArgumentBytes,
    ),
  );
}

/** 0 or more, or minus an errno. io_uring_register(2) */
function registerWithRing(
  descriptor: number,
  operation: number,
  argument: Address,
  count: number,
): number {
  return resultOf(
    syscallRaw(registerNumber, word(descriptor), word(operation), argument, word(count), zero),
  );
}

/** Every completion signals the eventfd from now on: 0 or minus an errno. */
export function registerEventDescriptor(ring: number, eventDescriptor: number): number {
  scratch.view.setInt32(0, eventDescriptor, true);
  return registerWithRing(ring, numbers.IORING_REGISTER_EVENTFD, scratch.address, 1);
}

function writeBufferRing(address: Address, entries: number, group: number, flags: number): void {
  const { size, fields } = layouts.bufReg;
  scratch.bytes.fill(0, 0, size);
  scratch.view.setBigUint64(fields.ring_addr.offset, BigInt(address), true);
  scratch.view.setUint32(fields.ring_entries.offset, entries, true);
  scratch.view.setUint16(fields.bgid.offset, group, true);
  scratch.view.setUint16(fields.flags.offset, flags, true);
}

/** Makes page-aligned memory the buffer ring `group`: 0 or minus an errno. */
export function registerBufferRing(
  ring: number,
  address: Address,
  entries: number,
  group: number,
  incremental: boolean,
): number {
  writeBufferRing(address, entries, group, incremental ? numbers.IOU_PBUF_RING_INC : 0);
  return registerWithRing(ring, numbers.IORING_REGISTER_PBUF_RING, scratch.address, 1);
}

/** The kernel forgets the buffers of `group`: 0 or minus an errno. */
export function unregisterBufferRing(ring: number, group: number): number {
  writeBufferRing(nullAddress, 0, group, 0);
  return registerWithRing(ring, numbers.IORING_UNREGISTER_PBUF_RING, scratch.address, 1);
}
