import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuiltInFrameCodec } from './built-in-frame-codec.ts';
import type { CodecOption } from './codec.ts';
import { codecFor } from './codec-for.ts';
import { LineBasedFrameCodec } from './line-based-frame-codec.ts';

test('codecFor() gives one codec to all connections', () => {
  const codec = new LineBasedFrameCodec();
  const make = codecFor(codec);
  assert.equal(make(), codec);
  assert.equal(make(), codec);
});

test('codecFor() makes one codec per connection with a function', () => {
  const make = codecFor(() => new LineBasedFrameCodec());
  assert.ok(make() instanceof LineBasedFrameCodec);
  assert.notEqual(make(), make());
});

test('codecFor() does no framing without an option', () => {
  const make = codecFor();
  assert.ok(make() instanceof BuiltInFrameCodec);
  assert.equal(make(), make());
});

test('codecFor() refuses what is not a codec', () => {
  for (const wrong of [null, 1, {}, { encode() {} }, LineBasedFrameCodec]) {
    const option = wrong as unknown as CodecOption;
    assert.throws(() => codecFor(option), { code: 'ErrInvalidOption' });
  }
  for (const wrong of [undefined, null, {}]) {
    const option = (() => wrong) as unknown as CodecOption;
    assert.throws(codecFor(option), { code: 'ErrInvalidOption' });
  }
});
