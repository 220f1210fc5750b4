import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import { FixedLengthFrameCodec } from './fixed-length-frame-codec.ts';

test('FixedLengthFrameCodec() holds a short rest back', () => {
  const codec = new FixedLengthFrameCodec(4);
  const source = new ArrayFrameSource();
  source.feed(Buffer.from('123456'));
  assert.equal(codec.decode(source)?.toString(), '1234');
  assert.equal(codec.decode(source), null);
  source.feed(Buffer.from('78'));
  assert.equal(codec.decode(source)?.toString(), '5678');
});

test('FixedLengthFrameCodec() says what it wanted of a payload', () => {
  const codec = new FixedLengthFrameCodec(8);
  assert.throws(() => codec.encode(new ArrayFrameSource(), Buffer.alloc(15)), {
    code: 'ErrInvalidFixedLength',
    message: /15 bytes, expected a multiple of 8/,
  });
});

test('FixedLengthFrameCodec() refuses lengths that can never work', () => {
  for (const length of [0, -4, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new FixedLengthFrameCodec(length), { code: 'ErrInvalidOption' });
  }
});
