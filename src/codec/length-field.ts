import { ErrInvalidOption, ErrUnsupportedLength } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import type { FrameSource } from './codec.ts';

/** Big endian: the highest byte first, as on most networks. Little endian: the lowest first. */
export type ByteOrder = 'BE' | 'LE';

/** Bytes of a length field. */
export type LengthFieldLength = 1 | 2 | 3 | 4 | 8;

const TWO_TO_32 = 0x1_0000_0000;
/** The highest upper half of an 8-byte number that a JavaScript number holds exactly. */
const MAX_SAFE_UPPER_HALF = 0x1f_ffff;

/** The unsigned number at `offset`; -1 when it is above `Number.MAX_SAFE_INTEGER`. */
export function readLengthField(
  c: FrameSource,
  offset: number,
  length: LengthFieldLength,
  littleEndian: boolean,
): number {
  switch (length) {
    case 1:
      return c.byteAt(offset);
    case 2:
      return littleEndian
        ? c.byteAt(offset) | (c.byteAt(offset + 1) << 8)
        : (c.byteAt(offset) << 8) | c.byteAt(offset + 1);
    case 3:
      return littleEndian
        ? c.byteAt(offset) | (c.byteAt(offset + 1) << 8) | (c.byteAt(offset + 2) << 16)
        : (c.byteAt(offset) << 16) | (c.byteAt(offset + 1) << 8) | c.byteAt(offset + 2);
    case 4:
      return read32(c, offset, littleEndian);
    case 8: {
      const upper = read32(c, littleEndian ? offset + 4 : offset, littleEndian);
      if (upper > MAX_SAFE_UPPER_HALF) return -1;
      return upper * TWO_TO_32 + read32(c, littleEndian ? offset : offset + 4, littleEndian);
    }
  }
}

function read32(c: FrameSource, offset: number, littleEndian: boolean): number {
  const first = (c.byteAt(offset) << 8) | c.byteAt(offset + 1);
  const second = (c.byteAt(offset + 2) << 8) | c.byteAt(offset + 3);
  return littleEndian
    ? (swap16(first) | (swap16(second) << 16)) >>> 0
    : ((first << 16) | second) >>> 0;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

/** Writes `value`, which must fit, at `offset`. */
export function writeLengthField(
  bytes: Buffer,
  offset: number,
  length: LengthFieldLength,
  littleEndian: boolean,
  value: number,
): void {
  let upper = length === 8 ? Math.floor(value / TWO_TO_32) : 0;
  let lower = value >>> 0;
  const step = littleEndian ? 1 : -1;
  let at = littleEndian ? offset : offset + length - 1;
  for (let written = 0; written < length; written++) {
    bytes[at] = lower & 0xff;
    lower >>>= 8;
    if (written === 3) {
      lower = upper;
      upper = 0;
    }
    at += step;
  }
}

/** The highest length that a field holds; for 8 bytes the highest that a number holds exactly. */
export function maxLengthFieldValue(length: LengthFieldLength): number {
  return length === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * length) - 1;
}

export function checkLengthFieldLength(value: unknown): LengthFieldLength {
  if (value === 1 || value === 2 || value === 3 || value === 4 || value === 8) return value;
  throw new ErrUnsupportedLength(
    `unsupported lengthFieldLength, expected 1, 2, 3, 4 or 8: it is ${textOf(value)}`,
  );
}

export function isLittleEndian(byteOrder: unknown): boolean {
  if (byteOrder === undefined || byteOrder === 'BE') return false;
  if (byteOrder === 'LE') return true;
  throw invalidOption('byteOrder', byteOrder, "'BE' or 'LE'");
}

/** An integer that may be left out, for 0. */
export function checkInteger(name: string, value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw invalidOption(name, value, 'an integer');
}

export function invalidOption(name: string, value: unknown, expected: string): ErrInvalidOption {
  return new ErrInvalidOption(
    `cannot make a LengthFieldBasedFrameCodec: ${name} is ${textOf(value)}, expected ${expected}`,
  );
}
