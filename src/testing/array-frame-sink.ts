import assert from 'node:assert/strict';
import type { FrameSink } from '../codec/index.ts';

/** What lies around the lent bytes, so that a byte written outside of them is noticed. */
const FENCE = 0xa5;
const FENCE_LENGTH = 16;

/** Takes what one `encodeInto` writes, and checks that it keeps to the contract. */
export class ArrayFrameSink implements FrameSink {
  bytes = Buffer.alloc(0);
  offset = 0;
  #length = -1;

  wrap(prefixLength: number, payload: Uint8Array, suffix: Uint8Array | null): void {
    assert.equal(this.#length, -1, 'wrap was called twice');
    this.#length = prefixLength + payload.length + (suffix?.length ?? 0);
    this.offset = FENCE_LENGTH;
    this.bytes = Buffer.alloc(FENCE_LENGTH + this.#length + FENCE_LENGTH, FENCE);
    this.bytes.set(payload, this.offset + prefixLength);
    if (suffix !== null) this.bytes.set(suffix, this.offset + prefixLength + payload.length);
  }

  /** The bytes that were written. */
  written(): Buffer {
    assert.notEqual(this.#length, -1, 'wrap was not called');
    const end = FENCE_LENGTH + this.#length;
    for (const around of [this.bytes.subarray(0, FENCE_LENGTH), this.bytes.subarray(end)]) {
      assert.ok(
        around.every((byte) => byte === FENCE),
        'bytes outside of the lent ones changed',
      );
    }
    return this.bytes.subarray(FENCE_LENGTH, end);
  }
}
