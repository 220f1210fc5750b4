import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBothWays } from '../../testing/encode-both-ways.ts';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import { NetstringCodec } from './netstring-codec.ts';

function fed(text: string): ArrayFrameSource {
  const source = new ArrayFrameSource();
  source.feed(Buffer.from(text));
  return source;
}

test('NetstringCodec() writes what the specification shows', () => {
  const codec = new NetstringCodec();
  for (const [payload, wire] of [
    ['hello world!', '12:hello world!,'],
    ['', '0:,'],
    ['0123456789', '10:0123456789,'],
  ] as const) {
    const bytes = encodeBothWays(codec, new ArrayFrameSource(), Buffer.from(payload));
    assert.equal(bytes.toString(), wire);
    assert.equal(codec.decode(fed(wire))?.toString(), payload);
  }
});

test('NetstringCodec() waits for every part', () => {
  const codec = new NetstringCodec();
  const source = new ArrayFrameSource();
  for (const byte of Buffer.from('3:a,c')) {
    source.feed(Buffer.of(byte));
    assert.equal(codec.decode(source), null);
  }
  source.feed(Buffer.from(',0:,'));
  assert.equal(codec.decode(source)?.toString(), 'a,c');
  assert.equal(codec.decode(source)?.length, 0);
});

test('NetstringCodec() tells what is no netstring from what is not whole yet', () => {
  const codec = new NetstringCodec();
  for (const text of ['x', ':', '-1:', '00', '01:a,', '1 :a,', '1:ab', '1234567890123456', '5;']) {
    assert.throws(() => codec.decode(fed(text)), { code: 'ErrCorruptedFrame' }, text);
  }
});

test('NetstringCodec() never waits for a frame that is too long, and can skip it', () => {
  assert.throws(() => new NetstringCodec({ maxFrameLength: 9 }).decode(fed('10:')), {
    code: 'ErrFrameTooLong',
  });
  const skipping = new NetstringCodec({ maxFrameLength: 2, skipTooLong: true });
  const source = fed('3:ab');
  assert.equal(skipping.decode(source), null);
  source.feed(Buffer.from('c,2:de,'));
  assert.equal(skipping.decode(source)?.toString(), 'de');
});
