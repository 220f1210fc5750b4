import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBothWays } from '../../testing/encode-both-ways.ts';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import { type Delimiter, DelimiterBasedFrameCodec } from './delimiter-based-frame-codec.ts';

function framesOf(delimiter: Delimiter | readonly Delimiter[], text: string): string[] {
  const codec = new DelimiterBasedFrameCodec(delimiter);
  const source = new ArrayFrameSource();
  source.feed(Buffer.from(text));
  const frames: string[] = [];
  for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
    frames.push(frame.toString());
  }
  return frames;
}

test('DelimiterBasedFrameCodec() takes bytes, strings, byte arrays, and several of them', () => {
  assert.deepEqual(framesOf(0x7c, 'a|b|c'), ['a', 'b']);
  assert.deepEqual(framesOf('|', 'a|b|c'), ['a', 'b']);
  assert.deepEqual(framesOf(Uint8Array.of(0x7c), 'a|b|c'), ['a', 'b']);
  assert.deepEqual(framesOf('é', 'aéb'), ['a']);
  assert.deepEqual(framesOf(['\r\n', 0x7c, Buffer.from('\0')], 'a|b\r\nc\0d'), ['a', 'b', 'c']);
});

test('DelimiterBasedFrameCodec() makes the shortest frame', () => {
  assert.deepEqual(framesOf(['\n', '\r\n'], 'a\r\nb\nc\r\r\n'), ['a', 'b', 'c\r']);
  assert.deepEqual(framesOf(['ab', 'bc'], 'xabcy'), ['x']);
  assert.deepEqual(framesOf('aab', 'aaab'), ['a']);
});

test('DelimiterBasedFrameCodec() appends the first delimiter', () => {
  const codec = new DelimiterBasedFrameCodec(['\r\n', '\n']);
  const encoded = encodeBothWays(codec, new ArrayFrameSource(), Buffer.from('a\nb'));
  assert.equal(encoded.toString(), 'a\nb\r\n');
});

test('DelimiterBasedFrameCodec() is not changed by later changes to its delimiter', () => {
  const delimiter = Uint8Array.of(0x7c);
  const codec = new DelimiterBasedFrameCodec(delimiter);
  delimiter[0] = 0x61;
  const source = new ArrayFrameSource();
  assert.equal(encodeBothWays(codec, source, Buffer.from('a')).toString(), 'a|');
});

test('DelimiterBasedFrameCodec() finds a delimiter that begins in thrown-away bytes', () => {
  const options = { maxFrameLength: 2, skipTooLong: true };
  const codec = new DelimiterBasedFrameCodec('\r\n\r\n', options);
  const source = new ArrayFrameSource();
  const decoded = ['12345\r\n', '\r', '\nok\r\n\r\n'].map((piece) => {
    source.feed(Buffer.from(piece));
    return codec.decode(source)?.toString() ?? null;
  });
  assert.deepEqual(decoded, [null, null, 'ok']);
});

test('DelimiterBasedFrameCodec() refuses delimiters that can never work', () => {
  const refused: ReadonlyArray<Delimiter | readonly Delimiter[]> = [
    -1,
    256,
    1.5,
    '',
    [],
    new Uint8Array(),
    ['|', ''],
    ['a', 'ab'],
    ['abc', 'b'],
  ];
  for (const delimiter of refused) {
    assert.throws(() => new DelimiterBasedFrameCodec(delimiter), { code: 'ErrInvalidOption' });
  }
  assert.deepEqual(framesOf(['|', '|'], 'a|b'), ['a']);
});
