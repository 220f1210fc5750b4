/** What libraries that nobody here wrote encode, our codecs decode; and the other way round. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import type { ICodec } from './codec.ts';
import { CobsCodec } from './cobs-codec.ts';
import { SlipCodec } from './slip-codec.ts';
import { VarintLengthCodec } from './varint-length-codec.ts';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';

const require = createRequire(import.meta.url);
const slip: {
  encode(bytes: Uint8Array): Uint8Array;
  Decoder: new (options: {
    onMessage(bytes: Uint8Array): void;
  }) => {
    decode(bytes: Uint8Array): void;
  };
} = require('slip');
const cobs: { encode(bytes: Buffer): Buffer; decode(bytes: Buffer): Buffer } = require('cobs');

/** Long enough for full blocks of COBS and prefixes of two bytes; zeros and escapes are frequent. */
const payload = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 600 }),
    fc.array(fc.constantFrom(0, 1, 0xc0, 0xdb, 0xdc, 0xdd), { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 250, max: 520 }).map((length) => Array<number>(length).fill(7)),
  )
  .map((bytes) => Buffer.from(bytes));

function decoded(codec: ICodec, bytes: Uint8Array): Buffer[] {
  const source = new ArrayFrameSource();
  source.feed(bytes);
  const frames: Buffer[] = [];
  for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
    frames.push(Buffer.from(frame));
  }
  assert.equal(source.bufferLength(), 0);
  return frames;
}

function encoded(codec: ICodec, bytes: Buffer): Buffer {
  return Buffer.from(codec.encode(new ArrayFrameSource(), bytes));
}

test('delimited messages of protobufjs', () => {
  const { root } = protobuf.parse('syntax = "proto3"; message Note { bytes text = 1; }');
  const Note = root.lookupType('Note');
  const codec = new VarintLengthCodec();
  const property = fc.property(payload, (text) => {
    const message = Note.create({ text });
    assert.deepEqual(decoded(codec, Note.encodeDelimited(message).finish()), [
      Buffer.from(Note.encode(message).finish()),
    ]);
    const ours = encoded(codec, Buffer.from(Note.encode(message).finish()));
    assert.deepEqual(Buffer.from(Note.toObject(Note.decodeDelimited(ours)).text), text);
  });
  fc.assert(property, { numRuns: 500 });
});

test('packets of slip', () => {
  const codec = new SlipCodec();
  const property = fc.property(payload, (bytes) => {
    assert.deepEqual(decoded(codec, slip.encode(bytes)), [bytes]);
    const heard: Buffer[] = [];
    const decoder = new slip.Decoder({ onMessage: (one) => heard.push(Buffer.from(one)) });
    decoder.decode(encoded(codec, bytes));
    assert.deepEqual(heard, [bytes]);
  });
  fc.assert(property, { numRuns: 500 });
});

test('frames of cobs', () => {
  const codec = new CobsCodec();
  const end = Buffer.of(0);
  const property = fc.property(payload, (bytes) => {
    assert.deepEqual(decoded(codec, Buffer.concat([cobs.encode(bytes), end])), [bytes]);
    assert.deepEqual(cobs.decode(encoded(codec, bytes).subarray(0, -1)), bytes);
  });
  fc.assert(property, { numRuns: 500 });
});
