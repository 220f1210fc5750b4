import assert from 'node:assert/strict';
import type { FrameSource, ICodec } from '../src/codec/codec.ts';
import { ArrayFrameSink } from '../src/testing/array-frame-sink.ts';

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
