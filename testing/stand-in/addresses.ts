/** Socket addresses: a length and a family of 8 bits each, where Linux has a family of 16. */
import type { Word } from '../../src/ffi/index.ts';
import { linuxConstants, type Memory } from './kernel.ts';
import type { StandInNumbers } from './numbers.ts';

const nameMax = 128;
const unixPathOffset = 2;
/** What the BSDs say of a peer without a name: an address with an empty path. */
const namelessBytes = 16;

/** The system's, at `offset`, becomes Linux's. */
export function addressToLinux(memory: Memory, offset: number, numbers: StandInNumbers): void {
  const family = memory.view.getUint8(offset + 1);
  memory.view.setUint16(offset, numbers.familyToLinux(family), true);
}

/** Linux's, of that length at `offset`, becomes the system's; returns its length there. */
export function addressFromLinux(
  memory: Memory,
  offset: number,
  length: number,
  numbers: StandInNumbers,
): number {
  if (length < unixPathOffset) return 0;
  const family = memory.view.getUint16(offset, true);
  const isNameless = family === linuxConstants.AF_UNIX && length === unixPathOffset;
  const all = isNameless ? namelessBytes : length;
  if (isNameless) memory.bytes.fill(0, offset + unixPathOffset, offset + all);
  memory.view.setUint8(offset, all);
  memory.view.setUint8(offset + 1, numbers.familyFromLinux(family));
  return all;
}

/** Gives the caller an address that a call left at `offset`, its length at `lengthOffset`. */
export function giveAddress(
  memory: Memory,
  lengthOffset: number,
  offset: number,
  numbers: StandInNumbers,
  name: Word,
  nameLength: Word,
): void {
  const length = Math.min(nameMax, memory.view.getInt32(lengthOffset, true));
  const own = addressFromLinux(memory, offset, length, numbers);
  const roomOffset = lengthOffset + 4;
  memory.take(roomOffset, nameLength, 4);
  const room = memory.view.getInt32(roomOffset, true);
  memory.give(offset, name, Math.min(own, room));
  memory.view.setInt32(roomOffset, own, true);
  memory.give(roomOffset, nameLength, 4);
}

export { nameMax };
