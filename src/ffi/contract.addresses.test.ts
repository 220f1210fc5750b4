/** Addresses of bytes as C is given them, on the FFI of the runtime at hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foreignInterface } from './index.ts';

const { addressAt, addressOf, nullAddress } = foreignInterface;

describe('addresses of bytes', () => {
  test('no bytes have an address of the right type, whatever they are a part of', () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(64).subarray(3, 3),
      new Uint8Array(64).subarray(64),
      Buffer.alloc(0),
      Buffer.from(''),
      Buffer.from('some').subarray(2, 2),
    ]) {
      assert.equal(typeof addressOf(bytes), typeof nullAddress);
    }
  });

  test('a part of some bytes stands where it begins', () => {
    const bytes = new Uint8Array(64);
    assert.equal(addressOf(bytes.subarray(5)), addressAt(addressOf(bytes), 5));
    assert.equal(addressOf(bytes.subarray(63)), addressAt(addressOf(bytes), 63));
  });
});
