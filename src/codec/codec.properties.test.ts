/** A stream gives the same frames wherever it is cut: at least 100,000 streams, cut at random. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ErrInvalidOption, GnetError } from '../base/errors.ts';
import type { ICodec } from './codec.ts';
import { CobsCodec } from './cobs-codec.ts';
import { DelimiterBasedFrameCodec } from './delimiter-based-frame-codec.ts';
import { FixedLengthFrameCodec } from './fixed-length-frame-codec.ts';
import { LengthFieldBasedFrameCodec } from './length-field-based-frame-codec.ts';
import { LineBasedFrameCodec } from './line-based-frame-codec.ts';
import { NetstringCodec } from './netstring-codec.ts';
import { SlipCodec } from './slip-codec.ts';
import { VarintLengthCodec } from './varint-length-codec.ts';
import { encodeBothWays } from '../../testing/encode-both-ways.ts';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import {
  codecOptions,
  decodeInPieces,
  delimitedReference,
  type FrameEvent,
  lengthFieldReference,
} from '../../testing/codec-reference.ts';

const CASES_AT_LEAST = 100_000;
let cases = 0;

/** Sizes of the pieces, used over and over: one byte at a time, all at once, anything between. */
const pieces = fc.oneof(
  fc.constant(Uint8Array.of(1)),
  fc.constant(new Uint8Array()),
  fc.uint8Array({ min: 1, max: 12, minLength: 1, maxLength: 6 }),
);
const largestPiece = 12;

const oversize = fc.option(
  fc.record({
    maxFrameLength: fc.integer({ min: 1, max: 12 }),
    failFast: fc.boolean(),
    skipTooLong: fc.boolean(),
  }),
  { nil: undefined },
);

/** Streams of few different bytes, so that delimiters are frequent and often nearly there. */
function streamOf(alphabet: readonly number[]): fc.Arbitrary<Buffer> {
  return fc
    .uint8Array({ max: alphabet.length - 1, maxLength: 60 })
    .map((indexes) => Buffer.from(indexes.map((index) => alphabet[index]!)));
}

const payloads = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });

function hexOf(frames: readonly Uint8Array[]): FrameEvent[] {
  return frames.map((frame) => Buffer.from(frame).toString('hex'));
}

/** What is buffered stays below the limit, however long the frame is. */
function checkBuffered(source: ArrayFrameSource, sizes: Uint8Array, most: number): void {
  if (sizes.length > 0) assert.ok(source.highestLength <= most + largestPiece);
}

function checkRoundTrip(codec: ICodec, frames: readonly Uint8Array[], sizes: Uint8Array): void {
  const source = new ArrayFrameSource();
  const stream = Buffer.concat(frames.map((frame) => encodeBothWays(codec, source, frame)));
  const events: FrameEvent[] = [];
  const after = decodeInPieces(codec, stream, sizes, events);
  assert.deepEqual(events, hexOf(frames));
  assert.equal(after.bufferLength(), 0);
}

test('lines: any stream, any options, any cuts', () => {
  const property = fc.property(
    streamOf([0x0a, 0x0a, 0x0d, 0x61, 0x00]),
    fc.boolean(),
    fc.boolean(),
    oversize,
    pieces,
    (stream, stripCarriageReturn, stripDelimiter, limit, sizes) => {
      cases++;
      const delimiters = stripCarriageReturn ? ['\r\n', '\n'] : ['\n'];
      const events: FrameEvent[] = [];
      const options = codecOptions(limit, events);
      const codec = new LineBasedFrameCodec({ ...options, stripCarriageReturn, stripDelimiter });
      const source = decodeInPieces(codec, stream, sizes, events);
      const wanted = delimitedReference(
        stream,
        delimiters.map((delimiter) => Buffer.from(delimiter)),
        stripDelimiter,
        limit,
      );
      assert.deepEqual(events, wanted);
      if (limit !== undefined) checkBuffered(source, sizes, limit.maxFrameLength + 1);
    },
  );
  fc.assert(property, { numRuns: 40_000 });
});

const delimiterSets = fc.uniqueArray(
  fc.uint8Array({ min: 0, max: 2, minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  { minLength: 1, maxLength: 4, selector: (delimiter) => delimiter.toString('hex') },
);

test('delimiters: any set of them, any stream, any cuts', () => {
  let refused = 0;
  const property = fc.property(
    streamOf([0, 1, 2]),
    delimiterSets,
    fc.boolean(),
    oversize,
    pieces,
    (stream, delimiters, stripDelimiter, limit, sizes) => {
      const unreachable = delimiters.some((long) =>
        delimiters.some((short) => long.subarray(0, -1).includes(short)),
      );
      const events: FrameEvent[] = [];
      const options = { ...codecOptions(limit, events), stripDelimiter };
      if (unreachable) {
        refused++;
        assert.throws(() => new DelimiterBasedFrameCodec(delimiters, options), ErrInvalidOption);
        return;
      }
      cases++;
      const codec = new DelimiterBasedFrameCodec(delimiters, options);
      const source = decodeInPieces(codec, stream, sizes, events);
      assert.deepEqual(events, delimitedReference(stream, delimiters, stripDelimiter, limit));
      if (limit !== undefined) checkBuffered(source, sizes, limit.maxFrameLength + 3);
    },
  );
  fc.assert(property, { numRuns: 55_000 });
  assert.ok(refused > 0 && refused < 40_000, `${refused} sets were refused`);
});

test('fixed length: any stream, any cuts', () => {
  const property = fc.property(
    fc.uint8Array({ maxLength: 60 }),
    fc.integer({ min: 1, max: 20 }),
    pieces,
    (bytes, length, sizes) => {
      cases++;
      const stream = Buffer.from(bytes);
      const events: FrameEvent[] = [];
      const source = decodeInPieces(new FixedLengthFrameCodec(length), stream, sizes, events);
      const whole = Math.floor(stream.length / length);
      const wanted = Array.from({ length: whole }, (_, index) =>
        stream.toString('hex', index * length, (index + 1) * length),
      );
      assert.deepEqual(events, wanted);
      assert.equal(source.bufferLength(), stream.length % length);
    },
  );
  fc.assert(property, { numRuns: 15_000 });
});

const lengthFieldConfig = fc.record({
  byteOrder: fc.constantFrom('BE' as const, 'LE' as const),
  lengthFieldOffset: fc.nat(3),
  lengthFieldLength: fc.constantFrom(1, 2, 3, 4, 8),
  lengthAdjustment: fc.integer({ min: -4, max: 4 }),
  initialBytesToStrip: fc.nat(10),
});

/** Mostly small; now and then one that only fits into 4 or 8 bytes, up to the last bit. */
const fieldValue = fc.oneof(
  { weight: 20, arbitrary: fc.nat(20).map(BigInt) },
  { weight: 1, arbitrary: fc.bigInt(0n, 2n ** 64n - 1n) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n) },
);

const manyFrames = fc.array(
  fc.record({ value: fieldValue, bytes: fc.uint8Array({ minLength: 28, maxLength: 28 }) }),
  { maxLength: 6 },
);

test('length field: any configuration, sound and corrupt streams, any cuts', () => {
  let refused = 0;
  const property = fc.property(
    lengthFieldConfig,
    manyFrames,
    oversize,
    pieces,
    (config, frames, limit, sizes) => {
      const events: FrameEvent[] = [];
      let codec: ICodec;
      try {
        const options = codecOptions(limit, events);
        codec = new LengthFieldBasedFrameCodec({ lengthFieldLength: 4 }, config, options);
      } catch (error) {
        assert.ok(error instanceof GnetError, String(error));
        refused++;
        return;
      }
      cases++;
      const parts = frames.flatMap(({ value, bytes }) => {
        const digits = BigInt.asUintN(8 * config.lengthFieldLength, value)
          .toString(16)
          .padStart(2 * config.lengthFieldLength, '0');
        const field = Buffer.from(digits, 'hex');
        if (config.byteOrder === 'LE') field.reverse();
        const body = Number(value) + config.lengthAdjustment;
        return [
          bytes.subarray(0, config.lengthFieldOffset),
          field,
          bytes.subarray(3, 3 + Math.min(Math.max(body, 0), 25)),
        ];
      });
      const stream = Buffer.concat(parts);
      const source = decodeInPieces(codec, stream, sizes, events);
      assert.deepEqual(events, lengthFieldReference(stream, config, limit));
      if (limit !== undefined) checkBuffered(source, sizes, limit.maxFrameLength);
    },
  );
  fc.assert(property, { numRuns: 55_000 });
  assert.ok(refused < 40_000, `${refused} configurations were refused`);
});

test('length field: what is encoded is decoded again', () => {
  const property = fc.property(
    fc.constantFrom('BE' as const, 'LE' as const),
    fc.constantFrom(1, 2, 3, 4, 8),
    fc.integer({ min: 0, max: 9 }),
    fc.boolean(),
    payloads,
    pieces,
    (byteOrder, lengthFieldLength, adjustment, including, frames, sizes) => {
      cases++;
      const codec = new LengthFieldBasedFrameCodec(
        {
          byteOrder,
          lengthFieldLength,
          lengthAdjustment: adjustment,
          lengthIncludesLengthFieldLength: including,
        },
        {
          byteOrder,
          lengthFieldLength,
          lengthAdjustment: -adjustment - (including ? lengthFieldLength : 0),
          initialBytesToStrip: lengthFieldLength,
        },
      );
      checkRoundTrip(codec, frames, sizes);
    },
  );
  fc.assert(property, { numRuns: 20_000 });
});

test('lines and delimiters: what is encoded is decoded again', () => {
  const property = fc.property(payloads, pieces, fc.boolean(), (frames, sizes, lines) => {
    cases++;
    const codec = lines ? new LineBasedFrameCodec() : new DelimiterBasedFrameCodec('\n\0\n');
    const clean = frames.map((frame) => frame.filter((byte) => byte !== 0x0a));
    checkRoundTrip(codec, clean, sizes);
  });
  fc.assert(property, { numRuns: 15_000 });
});

test('varints, netstrings, SLIP and COBS: what is encoded is decoded again', () => {
  const codecs = [new VarintLengthCodec(), new NetstringCodec(), new SlipCodec(), new CobsCodec()];
  const property = fc.property(payloads, pieces, fc.nat(3), (frames, sizes, which) => {
    cases++;
    const codec = codecs[which]!;
    // SLIP has no frame of nothing.
    const sent = codec instanceof SlipCodec ? frames.filter(({ length }) => length > 0) : frames;
    checkRoundTrip(codec, sent, sizes);
  });
  fc.assert(property, { numRuns: 20_000 });
});

test(`at least ${CASES_AT_LEAST} streams were decoded`, (t) => {
  t.diagnostic(`${cases} streams`);
  assert.ok(cases >= CASES_AT_LEAST, `only ${cases}`);
});
