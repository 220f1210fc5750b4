import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBothWays } from '../../testing/encode-both-ways.ts';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import { VarintLengthCodec } from './varint-length-codec.ts';

function fed(...bytes: number[]): ArrayFrameSource {
  const source = new ArrayFrameSource();
  source.feed(Buffer.from(bytes));
  return source;
}

test('VarintLengthCodec() waits for the prefix, then for the payload', () => {
  const codec = new VarintLengthCodec();
  const source = fed(0x82);
  assert.equal(codec.decode(source), null);
  source.feed(Buffer.of(0x00, 7));
  assert.equal(codec.decode(source), null);
  source.feed(Buffer.of(8, 0));
  assert.deepEqual(codec.decode(source), Buffer.of(7, 8));
  assert.deepEqual(codec.decode(source), Buffer.alloc(0), 'an empty frame is a frame');
  assert.equal(codec.decode(source), null);
});

test('VarintLengthCodec() writes the shortest prefix', () => {
  const codec = new VarintLengthCodec();
  for (const [length, prefix] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16_384, '808001'],
  ] as const) {
    const bytes = encodeBothWays(codec, new ArrayFrameSource(), Buffer.alloc(length));
    assert.equal(bytes.toString('hex', 0, bytes.length - length), prefix);
  }
});

test('VarintLengthCodec() refuses prefixes that are too long, at once', () => {
  const codec = new VarintLengthCodec({ maxPrefixLength: 2 });
  assert.throws(() => codec.decode(fed(0x80, 0x80)), { code: 'ErrCorruptedFrame' });
  const long = Buffer.alloc(2 ** 14);
  assert.throws(() => codec.encode(new ArrayFrameSource(), long), { code: 'ErrLengthOverflow' });
  assert.equal(codec.encode(new ArrayFrameSource(), long.subarray(1)).length, 2 ** 14 + 1);
});

test('VarintLengthCodec() never waits for a frame that is too long, and can skip it', () => {
  const closing = new VarintLengthCodec({ maxFrameLength: 10 });
  assert.throws(() => closing.decode(fed(11)), { code: 'ErrFrameTooLong' });
  const skipped: string[] = [];
  const skipping = new VarintLengthCodec({
    maxFrameLength: 2,
    skipTooLong: true,
    onTooLong: (_c, { code }) => skipped.push(code),
  });
  const source = fed(3, 1);
  assert.equal(skipping.decode(source), null);
  source.feed(Buffer.of(2, 3, 1, 9));
  assert.deepEqual(skipping.decode(source), Buffer.of(9));
  assert.deepEqual(skipped, ['ErrFrameTooLong']);
});

test('VarintLengthCodec() reads lengths up to the end of what a number holds', () => {
  const codec = new VarintLengthCodec({ maxPrefixLength: 7, maxFrameLength: 5 });
  const source = fed(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
  assert.throws(() => codec.decode(source), { message: new RegExp(`${2 ** 49 - 1} bytes`) });
});

test('VarintLengthCodec() refuses options that can never work', () => {
  for (const maxPrefixLength of [0, 8, 1.5, Number.NaN, -1]) {
    assert.throws(() => new VarintLengthCodec({ maxPrefixLength }), { code: 'ErrInvalidOption' });
  }
});
