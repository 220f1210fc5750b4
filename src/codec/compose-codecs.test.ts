import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import { composeCodecs } from './compose-codecs.ts';
import { LineBasedFrameCodec } from './line-based-frame-codec.ts';
import { NetstringCodec } from './netstring-codec.ts';
import { VarintLengthCodec } from './varint-length-codec.ts';

const piece = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', '\n') });

test('composeCodecs() cuts lines out of blocks, wherever either is cut', () => {
  const outer = new VarintLengthCodec();
  const property = fc.property(
    fc.array(piece, { maxLength: 8 }),
    fc.integer({ min: 1, max: 9 }),
    (blocks, size) => {
      const codec = composeCodecs(outer, new LineBasedFrameCodec());
      const source = new ArrayFrameSource();
      const wire = Buffer.concat(blocks.map((one) => outer.encode(source, Buffer.from(one))));
      const lines: string[] = [];
      for (let at = 0; at < wire.length; at += size) {
        source.feed(wire.subarray(at, at + size));
        for (let line = codec.decode(source); line !== null; line = codec.decode(source)) {
          lines.push(line.toString());
        }
      }
      assert.deepEqual(lines, blocks.join('').split('\n').slice(0, -1));
    },
  );
  fc.assert(property, { numRuns: 2_000 });
});

test('composeCodecs() encodes from the inside out, and keeps the states apart', () => {
  const skipping = { maxFrameLength: 2, skipTooLong: true };
  const codec = composeCodecs(new NetstringCodec(skipping), new NetstringCodec(skipping));
  const source = new ArrayFrameSource();
  source.context = 'of the program';
  assert.equal(Buffer.from(codec.encode(source, Buffer.from('x'))).toString(), '4:1:x,,');
  // Inside: `5:`, `he`, `ll`, `o,`, then `1:`, `x,`. Outside, a frame of three bytes is skipped.
  source.feed(Buffer.from('2:5:,2:he,3:no'));
  assert.equal(codec.decode(source), null);
  source.feed(Buffer.from('!,2:ll,2:o,,2:1:,2:x,,'));
  assert.equal(codec.decode(source)?.toString(), 'x');
  assert.equal(source.context, 'of the program');
});

test('composeCodecs() bounds what waits for the end of an inner frame', () => {
  const codec = composeCodecs(new VarintLengthCodec(), new LineBasedFrameCodec(), {
    maxBuffered: 4,
  });
  const source = new ArrayFrameSource();
  source.feed(Buffer.from('\x03abc\x02de'));
  assert.throws(() => codec.decode(source), { code: 'ErrFrameTooLong' });
});

test('composeCodecs() takes a payload of any length whose frames are whole', () => {
  const outer = new VarintLengthCodec();
  const codec = composeCodecs(outer, new LineBasedFrameCodec(), { maxBuffered: 10 });
  const source = new ArrayFrameSource();
  source.feed(Buffer.from(outer.encode(source, Buffer.from('short\n'.repeat(30)))));
  let lines = 0;
  while (codec.decode(source) !== null) lines++;
  assert.equal(lines, 30);
});

test('composeCodecs() makes frames that no later one changes', () => {
  const outer = new VarintLengthCodec();
  const codec = composeCodecs(outer, new LineBasedFrameCodec());
  const source = new ArrayFrameSource();
  const block = (text: string): void => {
    source.feed(Buffer.from(outer.encode(source, Buffer.from(text))));
  };
  block('kept\npart');
  const kept = codec.decode(source);
  for (let round = 0; round < 50; round++) {
    block('y'.repeat(200));
    assert.equal(codec.decode(source), null);
  }
  assert.equal(String(kept), 'kept');
});

test('composeCodecs() refuses what is no codec', () => {
  const line = new LineBasedFrameCodec();
  assert.throws(() => composeCodecs(line, {} as never), { code: 'ErrInvalidOption' });
  assert.throws(() => composeCodecs(line, line, { maxBuffered: 0 }), { code: 'ErrInvalidOption' });
});
