/** What decoding costs, in bytes looked at and copied: counts, not times. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuiltInFrameCodec } from './built-in-frame-codec.ts';
import type { ICodec } from './codec.ts';
import { DelimiterBasedFrameCodec } from './delimiter-based-frame-codec.ts';
import { FixedLengthFrameCodec } from './fixed-length-frame-codec.ts';
import { LengthFieldBasedFrameCodec } from './length-field-based-frame-codec.ts';
import { LineBasedFrameCodec } from './line-based-frame-codec.ts';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';

const MIB = 1024 * 1024;
const PIECES = 1_000;

function lengthField(lengthFieldLength: number, initialBytesToStrip = lengthFieldLength): ICodec {
  return new LengthFieldBasedFrameCodec(
    { lengthFieldLength },
    { lengthFieldLength, initialBytesToStrip },
  );
}

const payload = Buffer.alloc(MIB, 'x');
const searching: ReadonlyArray<[name: string, codec: ICodec, end: string]> = [
  ['a line', new LineBasedFrameCodec(), '\n'],
  ['a line that may end with CRLF', new LineBasedFrameCodec({ stripCarriageReturn: true }), '\r\n'],
  ['one delimiter of several bytes', new DelimiterBasedFrameCodec('\r\n\r\n'), '\r\n\r\n'],
  ['delimiters that end alike', new DelimiterBasedFrameCodec(['\r\n', '\n']), '\r\n'],
  ['delimiters that end differently', new DelimiterBasedFrameCodec(['|', '\0', '::']), '::'],
];

for (const [name, codec, end] of searching) {
  test(`${name} of 1 MiB in 1,000 pieces is searched once`, (t) => {
    const stream = Buffer.concat([payload, Buffer.from(end)]);
    const source = new ArrayFrameSource();
    const size = Math.ceil(stream.length / PIECES);
    let frame: Buffer | null = null;
    let decodes = 0;
    for (let from = 0; from < stream.length; from += size) {
      assert.equal(frame, null);
      source.feed(stream.subarray(from, from + size));
      frame = codec.decode(source);
      decodes++;
    }
    assert.ok(frame?.equals(payload));
    t.diagnostic(
      `${source.bytesLookedAt} of ${stream.length} bytes looked at in ${decodes} pieces`,
    );
    assert.ok(source.bytesLookedAt >= stream.length);
    assert.ok(source.bytesLookedAt <= stream.length + 16);
  });
}

test('a frame of 1 MiB with a length field in 1,000 pieces costs its length field per piece', (t) => {
  const codec = lengthField(4);
  const source = new ArrayFrameSource();
  const stream = codec.encode(source, payload);
  const size = Math.ceil(stream.length / PIECES);
  let frame: Buffer | null = null;
  for (let from = 0; from < stream.length; from += size) {
    source.feed(stream.subarray(from, from + size));
    frame = codec.decode(source);
  }
  assert.ok(frame?.equals(payload));
  t.diagnostic(`${source.bytesLookedAt} of ${stream.length} bytes looked at`);
  assert.equal(source.bytesLookedAt, 4 * PIECES);
});

const cutting: ReadonlyArray<[name: string, codec: ICodec, payload: string]> = [
  ['built-in', new BuiltInFrameCodec(), 'hello'],
  ['line', new LineBasedFrameCodec(), 'hello'],
  ['delimiter', new DelimiterBasedFrameCodec('\r\n'), 'hello'],
  ['fixed length', new FixedLengthFrameCodec(5), 'hello'],
  ['length field', lengthField(2), 'hello'],
  ['length field, nothing stripped', lengthField(2, 0), 'hello'],
];

for (const [name, codec, text] of cutting) {
  test(`${name}: a whole frame is a view of the memory it arrived in`, () => {
    const source = new ArrayFrameSource();
    const encoded = codec.encode(source, Buffer.from(text));
    source.feed(encoded);
    if (name !== 'built-in') source.feed(encoded);
    const storage = source.read().buffer;
    const first = codec.decode(source);
    assert.ok(first !== null);
    assert.ok(first.toString('latin1').endsWith(text));
    assert.equal(first.buffer, storage);
    if (name !== 'built-in') assert.equal(codec.decode(source)?.buffer, storage);
    assert.equal(codec.decode(source), null);
  });
}

const oversized: ReadonlyArray<[name: string, codec: ICodec, start: string, end: string]> = [
  ['line', new LineBasedFrameCodec({ maxFrameLength: 64, skipTooLong: true }), '', '\nok\n'],
  [
    'delimiter',
    new DelimiterBasedFrameCodec(['\r\n\r\n', '\0'], { maxFrameLength: 64, skipTooLong: true }),
    '',
    '\r\n\r\nok\0',
  ],
  [
    'length field',
    new LengthFieldBasedFrameCodec(
      { lengthFieldLength: 4 },
      { lengthFieldLength: 4, initialBytesToStrip: 4 },
      { maxFrameLength: 64, skipTooLong: true },
    ),
    '\x00\x10\x00\x00',
    '\x00\x00\x00\x02ok',
  ],
];

for (const [name, codec, start, end] of oversized) {
  test(`${name}: of a frame of 1 MiB over a limit of 64 bytes nothing is kept`, () => {
    const source = new ArrayFrameSource();
    source.feed(Buffer.from(start, 'latin1'));
    for (let round = 0; round < 1024; round++) {
      source.feed(payload.subarray(0, 1024));
      assert.equal(codec.decode(source), null);
      assert.equal(source.bufferLength(), 0);
    }
    source.feed(Buffer.from(end, 'latin1'));
    assert.equal(codec.decode(source)?.toString(), 'ok');
    assert.equal(source.codecState, undefined);
    assert.ok(source.highestLength <= 1024 + 4);
  });
}
