import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import {
  type DecoderConfig,
  type EncoderConfig,
  LengthFieldBasedFrameCodec,
  type LengthFieldBasedFrameOptions,
} from './length-field-based-frame-codec.ts';

const encoder: EncoderConfig = { lengthFieldLength: 4 };

function decode(decoder: DecoderConfig, options: LengthFieldBasedFrameOptions, hex: string) {
  const source = new ArrayFrameSource();
  source.feed(Buffer.from(hex, 'hex'));
  const codec = new LengthFieldBasedFrameCodec(encoder, decoder, options);
  return codec.decode(source)?.toString('hex') ?? null;
}

test('LengthFieldBasedFrameCodec() is big endian without adjustment by default', () => {
  assert.equal(decode({ lengthFieldLength: 2 }, {}, '00026162ff'), '00026162');
});

test('LengthFieldBasedFrameCodec() counts the whole frame for maxFrameLength', () => {
  const decoder = { lengthFieldLength: 2, initialBytesToStrip: 2 };
  assert.equal(decode(decoder, { maxFrameLength: 4 }, '00026162'), '6162');
  for (const hex of ['000361', '0003616263']) {
    assert.throws(() => decode(decoder, { maxFrameLength: 4 }, hex), { code: 'ErrFrameTooLong' });
  }
});

test('LengthFieldBasedFrameCodec() never waits for a frame that cannot be', () => {
  const corrupt: ReadonlyArray<[decoder: DecoderConfig, hex: string]> = [
    [{ lengthFieldLength: 8 }, '0020000000000000'],
    [{ lengthFieldLength: 8 }, 'ffffffffffffffff'],
    // The value is a number, the length of the frame no longer is.
    [{ lengthFieldLength: 8 }, '001fffffffffffff'],
    // The adjustment makes the length small again, but the value was rounded before.
    [{ lengthFieldLength: 8, lengthAdjustment: -Number.MAX_SAFE_INTEGER }, '0020000000000001'],
    [{ lengthFieldLength: 1, lengthAdjustment: -2 }, '01'],
    [{ lengthFieldLength: 1, initialBytesToStrip: 3 }, '01'],
  ];
  for (const [decoder, hex] of corrupt) {
    assert.throws(() => decode(decoder, {}, hex), { code: 'ErrCorruptedFrame' });
    const options = { maxFrameLength: 1000, skipTooLong: true };
    assert.throws(() => decode(decoder, options, hex), { code: 'ErrCorruptedFrame' });
  }
  // The longest one that a number holds is waited for, or is too long.
  assert.equal(decode({ lengthFieldLength: 8 }, {}, '001ffffffffffff7'), null);
  assert.throws(
    () => decode({ lengthFieldLength: 8 }, { maxFrameLength: 1000 }, '001ffffffffffff7'),
    { code: 'ErrFrameTooLong' },
  );
});

test('LengthFieldBasedFrameCodec() with failFast: false closes when the long frame has gone by', () => {
  const options = { maxFrameLength: 4, failFast: false };
  const codec = new LengthFieldBasedFrameCodec(encoder, { lengthFieldLength: 1 }, options);
  const source = new ArrayFrameSource();
  for (const piece of ['06aa', 'bbcc', 'ddee']) {
    source.feed(Buffer.from(piece, 'hex'));
    assert.equal(codec.decode(source), null);
    assert.equal(source.bufferLength(), 0);
  }
  source.feed(Buffer.from('ff0100', 'hex'));
  assert.throws(() => codec.decode(source), { code: 'ErrFrameTooLong', message: /it is 7 bytes/ });
});

test('LengthFieldBasedFrameCodec() writes lengths above 32 bits', () => {
  const config = { lengthFieldLength: 8, lengthAdjustment: 0x1_0203_0405 };
  const codec = new LengthFieldBasedFrameCodec(config, { lengthFieldLength: 8 });
  const encoded = codec.encode(new ArrayFrameSource(), Buffer.from('ab'));
  assert.equal(Buffer.from(encoded).toString('hex'), '00000001020304076162');
});

test('LengthFieldBasedFrameCodec() never writes a length that was cut to 4 bytes', () => {
  const config = { lengthFieldLength: 4, lengthAdjustment: 0xffff_fffe };
  const codec = new LengthFieldBasedFrameCodec(config, { lengthFieldLength: 4 });
  const source = new ArrayFrameSource();
  assert.equal(Buffer.from(codec.encode(source, Buffer.from('a'))).readUInt32BE(), 0xffff_ffff);
  assert.throws(() => codec.encode(source, Buffer.from('ab')), { code: 'ErrLengthOverflow' });
});

test('LengthFieldBasedFrameCodec() refuses configurations that can never work', () => {
  const decoders: ReadonlyArray<[DecoderConfig, LengthFieldBasedFrameOptions, code: string]> = [
    [{ lengthFieldLength: 5 }, {}, 'ErrUnsupportedLength'],
    [{ lengthFieldLength: 1, lengthAdjustment: -256 }, {}, 'ErrTooLessLength'],
    [{ lengthFieldLength: 4, initialBytesToStrip: -1 }, {}, 'ErrInvalidOption'],
    [{ lengthFieldLength: 1, initialBytesToStrip: 257 }, {}, 'ErrInvalidOption'],
    [{ lengthFieldLength: 1, lengthAdjustment: 0.5 }, {}, 'ErrInvalidOption'],
    [{ lengthFieldLength: 1, lengthFieldOffset: Number.NaN }, {}, 'ErrInvalidOption'],
    [{ lengthFieldLength: 1, byteOrder: 'be' as 'BE' }, {}, 'ErrInvalidOption'],
    [{ lengthFieldLength: 4, lengthFieldOffset: 2 }, { maxFrameLength: 5 }, 'ErrInvalidOption'],
    [{ lengthFieldLength: 4, lengthAdjustment: 2 }, { maxFrameLength: 5 }, 'ErrInvalidOption'],
    [{ lengthFieldLength: 1, initialBytesToStrip: 9 }, { maxFrameLength: 8 }, 'ErrInvalidOption'],
  ];
  for (const [decoder, options, code] of decoders) {
    assert.throws(() => new LengthFieldBasedFrameCodec(encoder, decoder, options), { code });
  }
  const encoders: ReadonlyArray<[EncoderConfig, code: string]> = [
    [{ lengthFieldLength: 0 }, 'ErrUnsupportedLength'],
    [{ lengthFieldLength: 1, lengthAdjustment: 256 }, 'ErrInvalidOption'],
    [{ lengthFieldLength: 2, byteOrder: 'nil' as 'BE' }, 'ErrInvalidOption'],
  ];
  for (const [config, code] of encoders) {
    assert.throws(() => new LengthFieldBasedFrameCodec(config, { lengthFieldLength: 4 }), { code });
  }
  const longest = { lengthFieldLength: 1, initialBytesToStrip: 256 };
  assert.ok(new LengthFieldBasedFrameCodec(encoder, longest));
});
