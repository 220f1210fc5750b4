/** Text, bytes and places for results, as arguments of OpenSSL's functions. */

import { assert } from '../../base/assert.ts';
import { type Address, addressAt, foreignInterface, nullAddress, word } from '../../ffi/index.ts';
import { scratch } from './native-memory.ts';

const strnlen = foreignInterface.lookup('strnlen', 2);
const memcpy = foreignInterface.lookup('memcpy', 3);

/** Words for results at the start of the scratch memory, then room for short texts. */
const resultPlaces = 4;
const textStart = 8 * resultPlaces;
const copiedBytesMax = 2_048;

/** `text` with its NUL, where C can read it until the next call of a function of this file. */
export function cText(text: string): Address {
  const bytes = Buffer.from(`${text}\0`, 'utf8');
  assert(bytes.length <= scratch.bytes.length - textStart, 'a text for C is short');
  assert(bytes.indexOf(0) === bytes.length - 1, 'a text for C has no NUL inside');
  bytes.copy(scratch.bytes, textStart);
  return addressAt(scratch.address, textStart);
}

/** Long texts: `use` is called with the address of the text, which is gone when it returns. */
export function withText<T>(text: string, use: (address: Address) => T): T {
  const bytes = Buffer.from(`${text}\0`, 'utf8');
  const result = use(foreignInterface.addressOf(bytes));
  // Referenced after the call, so that it cannot be collected before.
  assert(bytes.length > 0, 'the text was there');
  return result;
}

/** The text that C has at `address`; empty for the null address, and cut where it is too long. */
export function textAt(address: Address): string {
  if (isNull(address)) return '';
  return bytesAt(address, strnlen(address, word(copiedBytesMax))).toString('latin1');
}

/** A copy of `length` bytes at `address`: of short ones only. */
export function bytesAt(address: Address, length: number): Buffer {
  assert(length <= copiedBytesMax, 'what is copied from C is short');
  memcpy(addressAt(scratch.address, textStart), address, word(length));
  return Buffer.from(scratch.bytes.subarray(textStart, textStart + length));
}

export const isNull = (address: Address): boolean => BigInt(address) === 0n;

/** Where a function puts an address or a number: one of `resultPlaces`; zero before. */
export function resultPlace(index = 0): Address {
  scratch.view.setBigUint64(index * 8, 0n, true);
  return addressAt(scratch.address, index * 8);
}

export function resultAddress(index = 0): Address {
  const value = scratch.view.getBigUint64(index * 8, true);
  return typeof nullAddress === 'bigint' ? value : Number(value);
}

export function resultNumber(index = 0): number {
  return scratch.view.getUint32(index * 8, true);
}

type Decoder = (into: Address, from: Address, length: Address) => Address;
type Encoder = (object: Address, into: Address) => number;

/**
 * What a `d2i_` function makes of `der`: an object that the caller frees, or the null address when
 * the bytes are not one.
 */
export function decode(decoder: Decoder, der: Uint8Array): Address {
  scratch.view.setBigUint64(0, BigInt(foreignInterface.addressOf(der)), true);
  const object = decoder(nullAddress, addressAt(scratch.address, 0), word(der.length));
  assert(der.length >= 0, 'the bytes were there');
  return object;
}

/** What an `i2d_` function makes of an object. */
export function encode(encoder: Encoder, object: Address): Buffer {
  const length = encoder(object, nullAddress);
  assert(length > 0, 'an object of OpenSSL can be encoded');
  const der = Buffer.allocUnsafeSlow(length);
  scratch.view.setBigUint64(0, BigInt(foreignInterface.addressOf(der)), true);
  const written = encoder(object, addressAt(scratch.address, 0));
  assert(written === length, 'an object is encoded as it was measured');
  return der;
}
