import assert from 'node:assert/strict';
import type { FrameSink, FrameSource, ICodec } from '../src/codec/codec.ts';

/** What lies around the lent bytes, so that a byte written outside of them is noticed. */
const FENCE = 0xa5;
const FENCE_LENGTH = 16;

/** Takes what one `encodeInto` writes, and checks that it keeps to the contract. */
export class ArrayFrameSink implements FrameSink {
  bytes = Buffer.alloc(0);
  offset = 0;
  #length = -1;

  reserve(length: number): void {
    assert.equal(this.#length, -1, 'reserve was called twice');
    this.#length = length;
    this.offset = FENCE_LENGTH;
    this.bytes = Buffer.alloc(FENCE_LENGTH + length + FENCE_LENGTH, FENCE);
  }

  /** The bytes that were written. */
  written(): Buffer {
    assert.notEqual(this.#length, -1, 'reserve was not called');
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

/** `encode` and, where there is one, `encodeInto`, which must write the same bytes. */
export function encodeBothWays(codec: ICodec, c: FrameSource, payload: Uint8Array): Buffer {
  const encoded = Buffer.from(codec.encode(c, payload));
  if (codec.encodeInto !== undefined) {
    const sink = new ArrayFrameSink();
    codec.encodeInto(c, payload, sink);
    assert.ok(sink.written().equals(encoded), 'encodeInto and encode differ');
  }
  return encoded;
}
