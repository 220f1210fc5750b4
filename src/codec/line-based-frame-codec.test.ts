import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import { LineBasedFrameCodec, type LineBasedFrameOptions } from './line-based-frame-codec.ts';

function decode(options: LineBasedFrameOptions, ...pieces: string[]): Array<string | null> {
  const codec = new LineBasedFrameCodec(options);
  const source = new ArrayFrameSource();
  return pieces.map((piece) => {
    source.feed(Buffer.from(piece));
    return codec.decode(source)?.toString() ?? null;
  });
}

test('LineBasedFrameCodec() keeps the CR and drops the LF', () => {
  assert.deepEqual(decode({}, 'one\r\n', '\n', 'two'), ['one\r', '', null]);
});

test('LineBasedFrameCodec() takes the CR for a part of the line end when asked to', () => {
  const options = { stripCarriageReturn: true };
  assert.deepEqual(decode(options, 'one\r\n', 'a\rb\n', '\r\n', '\r'), ['one', 'a\rb', '', null]);
});

test('LineBasedFrameCodec() keeps the line end when asked to', () => {
  assert.deepEqual(decode({ stripDelimiter: false }, 'one\r\n', '\n'), ['one\r\n', '\n']);
});

test('LineBasedFrameCodec() closes on a line over maxFrameLength, before its end is there', () => {
  assert.deepEqual(decode({ maxFrameLength: 3 }, '123\n', '123'), ['123', null]);
  const unlimited = { maxFrameLength: Number.POSITIVE_INFINITY };
  assert.deepEqual(decode(unlimited, 'x'.repeat(9), '\n'), [null, 'x'.repeat(9)]);
  for (const line of ['1234', '1234\n']) {
    assert.throws(() => decode({ maxFrameLength: 3 }, line), { code: 'ErrFrameTooLong' });
  }
});

test('LineBasedFrameCodec() does not count a CR that may be a part of the line end', () => {
  const options = { maxFrameLength: 3, stripCarriageReturn: true };
  assert.deepEqual(decode(options, '123\r', '\n'), [null, '123']);
  assert.throws(() => decode(options, '123\r', 'x'), { code: 'ErrFrameTooLong' });
});

test('LineBasedFrameCodec() with failFast: false closes when the long line has gone by', () => {
  const codec = new LineBasedFrameCodec({ maxFrameLength: 3, failFast: false });
  const source = new ArrayFrameSource();
  for (const piece of ['123456', '', '789']) {
    source.feed(Buffer.from(piece));
    assert.equal(codec.decode(source), null);
    assert.equal(source.bufferLength(), 0);
  }
  source.feed(Buffer.from('0\nok\n'));
  assert.throws(() => codec.decode(source), {
    code: 'ErrFrameTooLong',
    message: /it is 10 bytes long, at most 3 are allowed/,
  });
});

test('LineBasedFrameCodec() tells about each skipped line once and goes on', () => {
  const skipped: string[] = [];
  const codec = new LineBasedFrameCodec({
    maxFrameLength: 3,
    skipTooLong: true,
    onTooLong: (c, error) => skipped.push(`${String(c.context)} ${error.code}`),
  });
  const source = new ArrayFrameSource();
  source.context = 'peer';
  source.feed(Buffer.from('12345\n1234\nok\n123456'));
  assert.equal(codec.decode(source)?.toString(), 'ok');
  assert.equal(skipped.length, 2);
  assert.equal(codec.decode(source), null);
  source.feed(Buffer.from('789\nyes\n'));
  assert.equal(codec.decode(source)?.toString(), 'yes');
  assert.deepEqual(skipped, Array(3).fill('peer ErrFrameTooLong'));
});

test('LineBasedFrameCodec() skips without being asked to tell', () => {
  const options = { maxFrameLength: 3, skipTooLong: true };
  assert.deepEqual(decode(options, '12345\nok\n', '123456', '7\n', 'ok\n'), [
    'ok',
    null,
    null,
    'ok',
  ]);
});

test('LineBasedFrameCodec() leaves codecState alone when it needs none', () => {
  const source = new ArrayFrameSource();
  source.codecState = 'of somebody else';
  source.feed(Buffer.from('123\n12'));
  const codec = new LineBasedFrameCodec({ maxFrameLength: 3 });
  assert.equal(codec.decode(source)?.toString(), '123');
  assert.equal(codec.decode(source), null);
  assert.equal(source.codecState, 'of somebody else');
});

test('what onTooLong throws comes out of decode, with nothing left of the line', () => {
  const codec = new LineBasedFrameCodec({
    maxFrameLength: 3,
    skipTooLong: true,
    onTooLong: () => {
      throw new RangeError('enough');
    },
  });
  const source = new ArrayFrameSource();
  source.feed(Buffer.from('12345'));
  assert.throws(() => codec.decode(source), RangeError);
  assert.equal(source.bufferLength(), 0);
  source.feed(Buffer.from('6\nok\n'));
  assert.equal(codec.decode(source)?.toString(), 'ok');
});

test('LineBasedFrameCodec() refuses options that can never work', () => {
  const refused: readonly LineBasedFrameOptions[] = [
    { maxFrameLength: 0 },
    { maxFrameLength: -1 },
    { maxFrameLength: 1.5 },
    { maxFrameLength: Number.NaN },
    { maxFrameLength: 10, onTooLong: () => {} },
  ];
  for (const options of refused) {
    assert.throws(() => new LineBasedFrameCodec(options), { code: 'ErrInvalidOption' });
  }
});
